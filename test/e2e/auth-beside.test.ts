// Two entries of `auth` for one endpoint: where both act the gateway does not start; one in shadow mode tells what it
// would do, and changes nothing.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plugins } from '../../plugins/index.ts';
import { ask, call, listen, openSession } from '../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { answer, json, type Rogue, startRogue } from '../fixtures/rogue.ts';

const KEYS = { ada: 'a'.repeat(32), bob: 'b'.repeat(32), nobody: 'c'.repeat(32) };
const key = (name: keyof typeof KEYS) => ({ headers: { 'x-api-key': KEYS[name] } });
const entry = (names: readonly (keyof typeof KEYS)[], more: object = {}) => ({
  auth: { api_keys: { file: 'off', keys: names.map((id) => ({ key: KEYS[id], id })) }, ...more },
});

let stateDir: string;
let upstream: Rogue;
beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'sluice-beside-'));
  upstream = await startRogue((hit, res) => json(res, answer(hit, 'done')));
});
afterEach(async () => {
  await upstream.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

const start = (pipeline: object[], upstreams: object = { one: { url: upstream.url } }): Promise<InProcess> =>
  startInProcess(configOf({ ...upstreams }, { pipeline }), { plugins, stateDir });
const told = ({ lines }: InProcess): unknown[] =>
  lines
    .filter(({ message }) => message.startsWith('shadow: '))
    .map(({ message, fields }) => [message, fields.plugin]);

test('both of which act: it does not start', async () => {
  const second = { ...entry(['bob']), id: 'second' };
  expect(start([entry(['ada']), second])).rejects.toThrow(/AUTH_TWICE/);
});

for (const order of ['above', 'below'] as const)
  test(`one in shadow mode ${order} the one that acts decides nothing`, async () => {
    const trial = { ...entry(['bob'], { scopes: ['mcp:use'] }), id: 'trial', mode: 'shadow' };
    await using gateway = await start(order === 'above' ? [trial, entry(['ada'])] : [entry(['ada']), trial]);
    const { url } = gateway;
    for (const who of ['bob', 'nobody'] as const)
      expect((await call(url, 'x', {}, key(who))).status).toBe(401);
    expect(upstream.hits).toEqual([]);
    expect((await call(url, 'x', {}, key('ada'))).status).toBe(200);
    expect(told(gateway)).toContainEqual(['shadow: would have refused the caller', 'trial']);
    const why = gateway.lines.filter(({ message }) => message.startsWith('shadow: '));
    expect(why).toContainEqual(
      expect.objectContaining({
        fields: expect.objectContaining({ plugin: 'trial', by: 'api_keys', reason: 'key_malformed' }),
      }),
    );
    const [line] = gateway.lines.filter(({ message }) => message === 'call');
    expect(line?.fields.principal).toBe('ada');
  });

test('one in shadow mode that finds the same callers leaves whose calls, sessions and streams they are', async () => {
  const trial = { ...entry(['ada', 'bob']), id: 'trial', mode: 'shadow' };
  await using gateway = await start([trial, entry(['ada', 'bob'])], DEMO);
  const { url } = gateway;
  const session = await openSession(url, key('ada'));
  expect((await session.ask('tools/list')).status).toBe(200);
  expect((await ask(url, 'tools/list', {}, key('bob'))).status).toBe(200);
  const stream = await session.stream();
  expect(stream.status).toBe(200);
  const heard = await listen(url, { toolsListChanged: true }, key('bob'));
  expect(heard.answer.status).toBe(200);
  stream.response.destroy();
  heard.answer.response.destroy();
  expect(told(gateway).filter((each) => String(each).includes('refused'))).toEqual([]);
});

test('who is refused is one line of the log, with all that there is to know', async () => {
  await using gateway = await start([
    entry(['ada'], { rules: [{ methods: ['tools/call'], scopes: ['mcp:use'] }] }),
  ]);
  let seen = gateway.lines.length;
  const lines = () => {
    const all = gateway.lines.slice(seen).filter(({ level }) => level !== 'debug');
    seen = gateway.lines.length;
    return all;
  };
  const endpoint = '/mcp';
  const common = { by: 'api_keys', requestId: expect.any(String) };
  expect((await call(gateway.url, 'x', {}, key('nobody'))).status).toBe(401);
  expect(lines()).toMatchObject([
    {
      message: 'refused',
      fields: {
        ...common,
        code: 'UNAUTHENTICATED',
        method: 'POST',
        status: 401,
        reason: 'key_malformed',
        path: endpoint,
        remote: '127.0.0.1',
      },
    },
  ]);
  expect((await call(gateway.url, 'x', {}, key('ada'))).status).toBe(403);
  expect(lines()).toMatchObject([
    {
      message: 'call',
      fields: { ...common, code: 'SCOPE_MISSING', by: 'scopes', reason: 'scope_missing', principal: 'ada' },
    },
  ]);
  expect((await ask(gateway.url, 'tools/list', {}, key('ada'))).status).toBe(200);
  const passed = lines().find(({ message }) => message === 'call');
  expect([passed?.fields.code, passed?.fields.reason]).toEqual([undefined, undefined]);
});
