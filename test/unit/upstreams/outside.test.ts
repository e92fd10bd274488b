// Questions outside of calls: how long the client they are for has to listen, and to answer.
import { expect, test } from 'bun:test';
import { rawId } from '../../../src/protocol/jsonrpc.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import type { Question } from '../../../src/upstreams/call.ts';
import type { Link, Reply } from '../../../src/upstreams/link.ts';
import { Outside, type Owner } from '../../../src/upstreams/outside.ts';
import { testHost } from '../../fixtures/exchanges.ts';
import { longAfter, timerSet } from '../../fixtures/long-after.ts';

const params = RawObject.of({ message: 'Who?', requestedSchema: { type: 'object', properties: {} } });
const question = {
  kind: 'request',
  id: rawId(1),
  method: 'elicitation/create',
  params,
  raw: params,
} as Question;
const never = (signal: AbortSignal): Promise<never> => {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return promise;
};

/** The server's answer to the question, from a client that listens and answers so. */
function asked(session: object) {
  const outside = new Outside({ parked: 1, parkTtl: 60_000 } as never, 1_000, testHost());
  const { promise, resolve } = Promise.withResolvers<Reply>();
  const link = { answer: async (_: Question, reply: Reply) => resolve(reply) } as unknown as Link;
  const capabilities = RawObject.of({ elicitation: {} });
  const owner = { era: '2025', version: '2025-11-25', capabilities, session } as unknown as Owner;
  expect(outside.ask(question, link, owner)).toBe(true);
  return { reply: promise, outside };
}

test.each([
  ['listens', { listening: never, ask: never }],
  [
    'answers',
    { listening: async () => {}, ask: (_: string, __: unknown, signal: AbortSignal) => never(signal) },
  ],
])('a client that never %s is not waited for: the server hears that it cancels', async (_, session) => {
  const { reply, outside } = await longAfter(async () => {
    const begun = asked(session);
    return { ...begun, reply: await begun.reply };
  }, timerSet);
  expect('result' in reply && reply.result.text).toBe('{"action":"cancel"}');
  expect(outside.size).toBe(0);
});

test('one that answers is heard', async () => {
  const result = RawObject.of({ action: 'decline' });
  const { reply } = asked({ listening: async () => {}, ask: async () => ({ result }) });
  expect(await reply).toEqual({ result });
});
