// Session ids that a client makes up.
import { expect, test } from 'bun:test';
import { openSession } from '../fixtures/clients.ts';
import { configOf, DEMO, startInProcess } from '../fixtures/in-process.ts';
import { post } from '../fixtures/wire.ts';

test('a session id that names a property is unknown', async () => {
  await using gateway = await startInProcess(configOf(DEMO));
  const { headers, ask } = await openSession(gateway.url);
  for (const id of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '0']) {
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    const answer = await post(gateway.url, body, { ...headers, 'mcp-session-id': id });
    expect([id, answer.status, (await answer.json()).error.data.code]).toEqual([id, 404, 'SESSION_UNKNOWN']);
  }
  expect((await ask('tools/list')).status).toBe(200);
});
