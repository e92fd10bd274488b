// Questions on the standing stream: servers ask there what belongs to a call, and ask nobody where there is none.
import { expect, test } from 'bun:test';
import type { ServerResponse } from 'node:http';
import { clientOf, nobody, textOf, toolCall } from '../../fixtures/exchanges.ts';
import {
  answer,
  type Behaviour,
  event,
  json,
  type RogueOptions,
  status,
  stream,
} from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { httpSpec } from '../../fixtures/specs.ts';

const run = running();

const capabilities = { elicitation: {} };

/** Asks on the standing stream during a call, or says that it could not. */
function asking(get: Behaviour): { behave: Behaviour; options: RogueOptions } {
  let standing: ServerResponse | undefined;
  const told = Promise.withResolvers<string>();
  return {
    async behave(hit, res) {
      if (!standing) return json(res, answer(hit, 'nobody to ask'));
      standing.write(
        event({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: { message: '?' } }),
      );
      json(res, answer(hit, await told.promise));
    },
    options: {
      era: '2025',
      async before(hit, res, rogue) {
        if (hit.method === 'GET') {
          if ((await get(hit, res, rogue)) === false) standing = res;
          return true;
        }
        if (hit.message.method !== undefined || hit.method !== 'POST') return false;
        told.resolve((JSON.parse(hit.text) as { result: { action: string } }).result.action);
        return status(res, 202);
      },
    },
  };
}

const open: Behaviour = (_, res) => {
  stream(res, ':\n\n');
  return false;
};

test('a client that can be asked has one, before its first call is sent', async () => {
  const { behave, options } = asking(open);
  const rogue = await run.rogue(behave, options);
  const upstream = run.upstream(httpSpec(rogue.url));
  const client = clientOf({ capabilities });
  const asked = await upstream.handle(toolCall('ask', {}, { client }), nobody);
  expect(asked.kind).toBe('input_required');
  const { requestState, inputRequests } = asked.value as { requestState: string; inputRequests: object };
  const inputResponses = Object.fromEntries(
    Object.keys(inputRequests).map((key) => [key, { action: 'decline' }]),
  );
  const again = toolCall('ask', {}, { client });
  again.replace(again.request.with({ requestState, inputResponses }));
  expect(textOf(await upstream.handle(again, nobody))).toBe('decline');
  expect(rogue.of('GET').length).toBe(1);
});

test('a client that cannot be asked needs none', async () => {
  const { behave, options } = asking(open);
  const rogue = await run.rogue(behave, options);
  const upstream = run.upstream(httpSpec(rogue.url));
  expect(textOf(await upstream.handle(toolCall('ask'), nobody))).toBe('nobody to ask');
  expect(rogue.of('GET')).toEqual([]);
});

test.each([404, 405])('a server that has none (%d) is called all the same', async (code) => {
  const { behave, options } = asking((_, res) => status(res, code));
  const rogue = await run.rogue(behave, options);
  const upstream = run.upstream(httpSpec(rogue.url));
  const client = clientOf({ capabilities });
  for (let n = 0; n < 2; n++)
    expect(textOf(await upstream.handle(toolCall('ask', {}, { client }), nobody))).toBe('nobody to ask');
  expect([rogue.of('GET').length, rogue.of('initialize').length]).toEqual([1, 1]);
});

test('a server that ends the stream at once, and wants it back at once, is asked ever more rarely', async () => {
  const asked: number[] = [];
  const rogue = await run.rogue((hit, res) => json(res, answer(hit)), {
    era: '2025',
    before(hit, res) {
      if (hit.method !== 'GET') return false;
      asked.push(performance.now());
      stream(res);
      return res.end('retry: 0\n\n');
    },
  });
  const upstream = run.upstream(httpSpec(rogue.url));
  await upstream.handle(toolCall('tool', {}, { client: clientOf({ capabilities }) }), nobody);
  await rogue.nth('GET', 4);
  const waits = asked.slice(1).map((at, n) => at - (asked[n] ?? 0));
  // Timers are never early by more than their grain.
  for (const [n, least] of [100, 200, 400].entries()) expect(waits[n]).toBeGreaterThan(least - 5);
});
