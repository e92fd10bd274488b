// Results that are passed on as they come, and do not come whole: never taken for whole, counted, and over everywhere.
import { describe, expect, test } from 'bun:test';
import { modern, openSession } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { digestOf, digestOfResult, largeAnswer, largeResponse } from '../fixtures/large.ts';
import { openPipes } from '../fixtures/pipes.ts';
import { note, startRawUpstream } from '../fixtures/raw-upstream.ts';
import { until } from '../fixtures/until.ts';
import {
  AS,
  before,
  called,
  ERAS,
  ended,
  FORMS,
  gatewayAt,
  gatewayTo,
  lastOf,
  running,
  upstreamOf,
} from './large.ts';

const CUT = { blocks: 100, cut: 40 };

/** What a client has of an answer whose connection is cut. */
async function cutOff(answer: { text(): Promise<string> }): Promise<string> {
  return answer.text().then(
    (text) => `whole: ${text.slice(-100)}`,
    () => 'cut off',
  );
}

describe('an upstream that breaks off in the middle of a result', () => {
  for (const client of ERAS)
    for (const server of ERAS)
      for (const form of FORMS)
        test(`(${server}, ${form}) cuts the JSON of a ${client} client off, and is told in its events`, async () => {
          let cut = Promise.withResolvers<void>();
          const gateway = await gatewayTo(server, form, { cut: () => cut.promise });
          const large = { ...CUT, before: before(server) };
          const asJson = await called(client, gateway.url, large, AS.json);
          // The head is here, so the result is on its way.
          cut.resolve();
          expect(await cutOff(asJson)).toBe('cut off');
          cut = Promise.withResolvers<void>();
          const asEvents = await called(client, gateway.url, large, AS.events);
          cut.resolve();
          const text = await asEvents.text();
          // Half an event has a name that nobody listens to.
          expect(text).toContain('\nevent: broken\n\n');
          const { id, error } = lastOf(text);
          expect([id, error.data.code]).toEqual([7, 'UPSTREAM_UNAVAILABLE']);
          await until(async () => (await gateway.figure('streamedResults')) === 2);
          await ended(gateway, 'UPSTREAM_UNAVAILABLE');
          expect(await gateway.figure('upstreamErrors', { code: 'UPSTREAM_UNAVAILABLE' })).toBe(2);
          expect(await gateway.figure('exchanges', { method: 'tools/call', outcome: 'error' })).toBe(2);
          expect(await gateway.figure('upstreamPending')).toBe(0);
        });

  test('leaves half a line on a pipe, and an error behind it', async () => {
    const cut = Promise.withResolvers<void>();
    const { url } = upstreamOf('2026', 'json', () => cut.promise);
    const gateway = await startInProcess(configOf({ up: { url } }), { listen: false });
    running.push(gateway);
    const pipes = openPipes(gateway.gateway, { slow: async () => cut.resolve() });
    pipes.write(modern('tools/call', { name: 'large', arguments: CUT }, 2));
    expect((await pipes.next()).half).toStartWith('{"jsonrpc":"2.0","id":2,"result":{');
    expect(await pipes.next()).toMatchObject({ id: 2, error: { data: { code: 'UPSTREAM_UNAVAILABLE' } } });
    await pipes.end();
  });
});

/** An upstream whose answer is a large one with other bytes behind, or in place of its end. */
function ending(end: string, form: 'json' | 'sse' = 'json') {
  const upstream = startRawUpstream({
    answer({ message: { id } }) {
      const whole = largeResponse(id, { blocks: 40, behind: '§' }, 'json');
      async function* body() {
        if (form === 'sse') yield new TextEncoder().encode('data: ');
        for await (const chunk of whole.body ?? []) {
          const last = Buffer.from(chunk).toString('latin1');
          yield last.includes('\u00a7') ? Buffer.from(`"}]${end}`) : chunk;
        }
        if (form === 'sse') yield new TextEncoder().encode('\n\n');
      }
      const type = form === 'sse' ? 'text/event-stream' : 'application/json';
      return new Response(body() as unknown as ReadableStream, { headers: { 'content-type': type } });
    },
  });
  running.push(upstream);
  return upstream;
}

describe('a result that turns out to be none', () => {
  for (const [what, end, says] of [
    ['no JSON', ',"a":[1,}]}}', 'unexpected byte 0x7d'],
    ['a second one', ',"content":[]}}', 'a key stands twice'],
    ['of another type', ',"resultType":"input_required"}}', 'resultType'],
    ['not alone', '},"error":{}}', 'expected exactly one'],
    ['followed by more', '}}{}', 'unexpected byte 0x7b'],
    ['without an end', '}', 'unexpected end'],
  ] as const)
    for (const form of ['json', 'sse'] as const)
      test(`because it is ${what} is broken off (${form})`, async () => {
        const gateway = await gatewayAt({ url: ending(end, form).url });
        expect(await cutOff(await called('2026', gateway.url, CUT, AS.json))).toBe('cut off');
        const text = await (await called('2026', gateway.url, CUT, AS.events)).text();
        const { error } = lastOf(text);
        expect([error.data.code, error.message]).toEqual(['UPSTREAM_INVALID', expect.stringContaining(says)]);
        await ended(gateway, 'UPSTREAM_INVALID');
      });

  for (const form of FORMS)
    test(`because it is the answer to something else is broken off (${form})`, async () => {
      const gateway = await gatewayTo('2025', form);
      const large = { blocks: 40, idLast: 77 };
      const text = await (await called('2026', gateway.url, large, AS.events)).text();
      expect(lastOf(text).error.message).toContain('the answer to another request');
      await ended(gateway, 'UPSTREAM_INVALID');
    });

  test('because it is too large is broken off, and told by its limit', async () => {
    const gateway = await gatewayTo('2026', 'json', { limits: { result: '2MiB' } });
    const text = await (await called('2026', gateway.url, { blocks: 100 }, AS.events)).text();
    expect(lastOf(text).error).toMatchObject({
      message: expect.stringContaining('limits.result allows (2097152 bytes)'),
      data: { code: 'UPSTREAM_INVALID', limit: 'result' },
    });
    expect(await gateway.figure('limitHits', { limit: 'result' })).toBe(1);
  });

  test('because nothing more comes of it is broken off', async () => {
    const silent = startRawUpstream({
      answer({ message: { id } }) {
        async function* body() {
          yield* largeAnswer(id, CUT);
          await new Promise(() => {});
        }
        return new Response(body() as unknown as ReadableStream, {
          headers: { 'content-type': 'application/json' },
        });
      },
    });
    running.push(silent);
    const gateway = await gatewayAt({ url: silent.url }, { timeouts: { idle: '50ms' } });
    const text = await (await called('2026', gateway.url, CUT, AS.events)).text();
    expect(lastOf(text).error.data).toMatchObject({ code: 'UPSTREAM_TIMEOUT', timeout: 'idle' });
    expect(await gateway.figure('timeouts', { kind: 'idle' })).toBe(1);
    await silent.seen.at(-1)?.dropped;
  });
});

describe('a client that leaves in the middle of a result', () => {
  for (const client of ERAS)
    for (const headers of [AS.json, AS.events])
      test(`of ${client} (${headers.accept}) ends it at the upstream, too`, async () => {
        const upstream = upstreamOf('2026', 'json');
        const gateway = await gatewayAt({ url: upstream.url });
        // More than sockets hold.
        const answer = await called(client, gateway.url, { blocks: 2_000 }, headers);
        answer.drop();
        await (await upstream.arrived('tools/call')).dropped;
        await ended(gateway, 'CANCELLED');
        expect(await gateway.figure('upstreamErrors')).toBe(0);
        expect(await gateway.figure('upstreamPending')).toBe(0);
      });

  /** An upstream of 2025 that reports progress, and then answers when it may. */
  function reporting(blocks: number, go: Promise<void>) {
    const upstream = startRawUpstream({
      era: '2025',
      answer({ message: { id } }) {
        async function* body() {
          const params = { progressToken: id, progress: 1 };
          yield Buffer.from(`data: ${note('notifications/progress', params)}\n\n`);
          await go;
          for await (const chunk of largeResponse(id, { blocks }, 'sse').body ?? []) yield chunk;
        }
        return new Response(body() as unknown as ReadableStream, {
          headers: { 'content-type': 'text/event-stream' },
        });
      },
    });
    running.push(upstream);
    return upstream;
  }

  test('of 2025 cannot come back for what was not kept', async () => {
    const go = Promise.withResolvers<void>();
    const gateway = await gatewayAt({ url: reporting(2_000, go.promise).url });
    const session = await openSession(gateway.url);
    const answer = await session.call('large', {}, { token: 't' });
    await answer.message();
    go.resolve();
    // Some of it has come.
    await until(() => answer.response.readableLength > 0);
    answer.drop();
    await ended(gateway, 'CANCELLED');
    const again = await session.stream(answer.ids.at(-1));
    // Told as the answer, so that the call ends.
    expect((await again.message()).error.data.code).toBe('STREAM_LOST');
  });

  test('of 2025, for the moment, finds it when it comes back, if that may be kept', async () => {
    const go = Promise.withResolvers<void>();
    const gateway = await gatewayAt({ url: reporting(40, go.promise).url });
    const session = await openSession(gateway.url);
    const answer = await session.call('large', {}, { token: 't' });
    await answer.message();
    answer.drop();
    await until(() => gateway.metrics.load.streams === 0);
    go.resolve();
    await ended(gateway);
    const again = await session.stream(answer.ids.at(-1));
    expect(digestOfResult(JSON.parse((await again.data()) ?? ''))).toBe(digestOf(40));
  });
});

test('a call that is cancelled on a pipe in the middle of its result gets no more of it', async () => {
  const { url } = upstreamOf('2026', 'json');
  const gateway = await startInProcess(configOf({ up: { url } }), { listen: false });
  running.push(gateway);
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const slow = (): Promise<void> => {
    begun.resolve();
    return gate.promise;
  };
  const pipes = openPipes(gateway.gateway, { slow });
  pipes.write(modern('tools/call', { name: 'large', arguments: { blocks: 2_000 } }, 2));
  await begun.promise;
  pipes.write({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2 } });
  await ended(gateway, 'CANCELLED');
  gate.resolve();
  pipes.write(modern('tools/list', {}, 3));
  expect((await pipes.next(({ id }) => id === 3)).result.tools).toEqual([]);
  expect(pipes.all.filter(({ id }) => id === 2)).toEqual([]);
  await pipes.end();
});
