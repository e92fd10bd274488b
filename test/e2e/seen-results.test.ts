// Large results and what looks into them: held for a plugin up to limits.response, told of beyond, whole in batches.
import { describe, expect, test } from 'bun:test';
import { z } from 'zod';
import { type AnyPlugin, definePlugin, type Hooks } from '../../src/core/plugin.ts';
import { McpResult } from '../../src/protocol/message.ts';
import { openSession } from '../fixtures/clients.ts';
import { digestOf, digestOfResult } from '../fixtures/large.ts';
import { post } from '../fixtures/wire.ts';
import { AS, called, ERAS, ended, FORMS, gatewayTo } from './large.ts';

/** 2.6 MB and 13 MB on the wire; the limit of these tests lies between. */
const FITS = 40;
const EXCEEDS = 200;
const limits = { response: '4MiB' };

function looking(hooks: (seen: McpResult[]) => Hooks): { plugin: AnyPlugin; seen: McpResult[] } {
  const seen: McpResult[] = [];
  const plugin = definePlugin({
    name: 'looking',
    api: 1,
    about: 'Looks into results.',
    schema: z.strictObject({}),
    setup: () => hooks(seen),
  });
  return { plugin, seen };
}

const onResult = (seen: McpResult[]): Hooks => ({
  onResult(result, x) {
    if (x.request.method === 'tools/call') seen.push(result);
  },
});

function withPlugin(plugin: AnyPlugin, entry: object, form: (typeof FORMS)[number] = 'json') {
  return gatewayTo('2026', form, {
    limits,
    pipeline: [{ looking: {}, ...entry }],
    plugins: { looking: plugin },
  });
}

describe('a plugin that looks into results', () => {
  for (const form of FORMS)
    test(`has the whole of a large one, up to limits.response, and a longer one is refused (${form})`, async () => {
      const { plugin, seen } = looking(onResult);
      const gateway = await withPlugin(plugin, {}, form);
      for (const client of ERAS) {
        const small = await called(client, gateway.url, { blocks: FITS });
        expect(digestOfResult(await small.json())).toBe(digestOf(FITS));
        const whole = seen.pop();
        expect(whole?.streams).toBe(false);
        expect(digestOfResult({ result: whole?.value })).toBe(digestOf(FITS));
        const large = await called(client, gateway.url, { blocks: EXCEEDS });
        expect((await large.json()).error).toMatchObject({
          message: expect.stringMatching(
            /more than limits\.response allows \(4194304 bytes; so far there were \d+\), and the plugin "looking" has to see the whole of it\. Ask it for less, or raise the limit\./,
          ),
          data: { code: 'UPSTREAM_INVALID', limit: 'response' },
        });
        expect(seen).toEqual([]);
      }
      await ended(gateway, 'CANCELLED');
      expect(await gateway.figure('limitHits', { limit: 'response' })).toBe(2);
      expect(await gateway.figure('upstreamErrors')).toBe(0);
    });

  for (const entry of [{ mode: 'shadow' }, { on_error: 'pass' }])
    test(`lets it pass unseen with ${JSON.stringify(entry)}`, async () => {
      const { plugin, seen } = looking(onResult);
      const gateway = await withPlugin(plugin, entry);
      const answer = await called('2026', gateway.url, { blocks: EXCEEDS });
      expect(digestOfResult(await answer.json())).toBe(digestOf(EXCEEDS));
      expect(seen).toEqual([]);
      expect(await gateway.figure('pluginErrors', { plugin: 'looking' })).toBe(1);
    });

  test('is not asked where `when` leaves the call out', async () => {
    const { plugin } = looking(onResult);
    const gateway = await withPlugin(plugin, { when: { methods: ['tools/list'] } });
    const answer = await called('2026', gateway.url, { blocks: EXCEEDS });
    expect(digestOfResult(await answer.json())).toBe(digestOf(EXCEEDS));
  });

  test('and says that it needs no more than that it comes is given it so', async () => {
    const { plugin, seen } = looking((all) => ({ ...onResult(all), streams: true }));
    const gateway = await withPlugin(plugin, {});
    const large = { blocks: EXCEEDS, before: '"isError":false,' };
    const answer = await called('2025', gateway.url, large);
    expect(digestOfResult(await answer.json())).toBe(digestOf(EXCEEDS));
    expect(seen.map(({ streams, value }) => [streams, value])).toEqual([
      [true, { isError: false, resultType: 'complete' }],
    ]);
  });

  test('and answers something else in its place ends it at the upstream', async () => {
    const { plugin } = looking(() => ({
      streams: true,
      onResult: (result) =>
        result.streams ? McpResult.complete({ content: [{ type: 'text', text: 'none' }] }) : undefined,
    }));
    const gateway = await withPlugin(plugin, {});
    const answer = await called('2026', gateway.url, { blocks: EXCEEDS });
    expect((await answer.json()).result.content).toEqual([{ type: 'text', text: 'none' }]);
    await ended(gateway, 'CANCELLED');
  });

  test('hears at the end what became of it', async () => {
    const closed = Promise.withResolvers<boolean>();
    const { plugin } = looking(() => ({
      onClose: (x, result) => x.request.method === 'tools/call' && closed.resolve(result.streams),
    }));
    const gateway = await withPlugin(plugin, {});
    const answer = await called('2026', gateway.url, { blocks: EXCEEDS });
    await answer.text();
    expect(await closed.promise).toBe(true);
    expect(await gateway.figure('streamedResults', { outcome: 'complete' })).toBe(1);
  });
});

test('a batch holds them whole, and tells of one that is too long', async () => {
  const gateway = await gatewayTo('2025', 'json', { limits });
  const session = await openSession(gateway.url, { version: '2025-03-26' });
  const request = (id: number, blocks: number) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: 'large', arguments: { blocks } },
  });
  const answer = await post(gateway.url, [request(1, FITS), request(2, EXCEEDS)], {
    ...session.headers,
    ...AS.json,
  });
  // biome-ignore lint/suspicious/noExplicitAny: whatever came
  const all: any[] = await answer.json();
  expect(digestOfResult(all.find(({ id }) => id === 1))).toBe(digestOf(FITS));
  expect(all.find(({ id }) => id === 2).error.message).toContain('a batch is answered whole');
});
