// A server of 2025 on a pipe does not say which of a client's calls it asks for: a question is taken to be the latest
// one's. Where the client calls that one off, the question may still be the other's.
import { afterEach, expect, test } from 'bun:test';
import { openSession } from '../fixtures/clients.ts';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { hello, text } from '../walk/eras.ts';
import { Inbox } from '../walk/inbox.ts';
import { stdioUpstream } from '../walk/upstream-stdio.ts';
import type { Arrival } from '../walk/upstream-wire.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

test('a question of a call that is called off is asked for the other call of its client', async () => {
  const inbox = new Inbox<Arrival>();
  const server = await stdioUpstream({
    leg: { client: '2025', over: 'http', upstream: '2025', via: 'stdio' },
    inbox,
    answer({ body: { id, method, params } }) {
      if (method === 'initialize')
        return text({ id, result: hello('2025', { tools: {} }, params.protocolVersion, undefined) });
      return method === 'tools/list' ? text({ id, result: { tools: [] } }) : undefined;
    },
  });
  ending.push(server.stop);
  const gateway = await startInProcess(configOf({ up: { ...server.config, era: '2025' } }));
  ending.push(gateway.stop);
  const session = await openSession(gateway.url, { capabilities: { elicitation: {} } });
  const arrived = (name: string) => inbox.take(({ body }) => body.params?.name === name);
  const [first, a] = [session.call('first', {}, { id: 1 }), await arrived('first')];
  const [second, b] = [session.call('second', {}, { id: 2 }), await arrived('second')];
  const params = { message: 'Who?', requestedSchema: { type: 'object', properties: {} } };
  a?.send(text({ id: 'q', method: 'elicitation/create', params }));
  expect((await (await second).message()).params).toEqual(params);
  await session.tell({ method: 'notifications/cancelled', params: { requestId: 2 } });
  const asked = await (await first).message();
  expect(asked).toMatchObject({ method: 'elicitation/create', params });
  const result = { action: 'accept', content: { name: 'Ada' } };
  await session.tell({ id: asked.id, result });
  const answer = await inbox.take(({ body }) => body.id === 'q');
  expect(answer?.body.result).toEqual(result);
  const over = await inbox.take(({ body }) => body.method === 'notifications/cancelled');
  expect(over?.body.params.requestId).toBe(b?.body.id);
  a?.finish(text({ id: a.body.id, result: { content: [{ type: 'text', text: 'done' }] } }));
  expect((await (await first).messages()).at(-1).result.content[0].text).toBe('done');
});
