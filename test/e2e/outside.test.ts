// Questions of a server outside of calls: roots right after the greeting, most of all. They are for the client whose
// link it is, and for nobody else.
import { afterEach, describe, expect, test } from 'bun:test';
import { ask, openSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { openPipes } from '../fixtures/pipes.ts';
import { initialize } from '../fixtures/raw.ts';
import { childPath } from '../fixtures/specs.ts';
import { until } from '../fixtures/until.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function start(method = 'roots/list', more = {}, listen = true): Promise<InProcess> {
  const command = {
    command: process.execPath,
    args: [childPath('server.ts'), '--era', '2025', '--asks', method],
  };
  const gateway = await startInProcess(configOf({ up: { ...command, ...more } }, { drain: '50ms' }), {
    listen,
  });
  ends.push(gateway.stop);
  return gateway;
}

const ROOTS = { roots: [{ uri: 'file:///home/ada' }] };
const capabilities = { roots: { listChanged: true } };

/** What the server was answered, once it was answered so often; by a call that nobody can be asked during. */
async function answers(received: () => Promise<string[]>, times: number): Promise<unknown[]> {
  for (;;) {
    const all = (await received()).map((line) => JSON.parse(line)).filter((each) => /^outside/.test(each.id));
    if (all.length >= times) return all.map(({ result, error }) => result ?? error);
  }
}

describe('a client of 2025', () => {
  test('is asked on its standing stream, also when that is opened later, and again when its roots change', async () => {
    const gateway = await start();
    const session = await openSession(gateway.url, { capabilities });
    await (await session.ask('tools/list')).text();
    const stream = await session.stream();
    const first = await stream.message();
    expect(first).toMatchObject({ method: 'roots/list' });
    await session.tell({ id: first.id, result: ROOTS });
    const received = async () => {
      const { result } = await (await session.ask('test/call', { name: 'received', arguments: {} })).json();
      return JSON.parse(result.content[0].text) as string[];
    };
    expect(await answers(received, 1)).toEqual([ROOTS]);
    // It was told before that it would be.
    expect(JSON.parse((await received())[0] ?? '').params.capabilities).toEqual(capabilities);
    expect(await session.tell({ method: 'notifications/roots/list_changed' })).toBe(202);
    const second = await stream.message();
    await session.tell({ id: second.id, error: { code: -1, message: 'not now' } });
    expect(await answers(received, 2)).toEqual([ROOTS, { code: -1, message: 'not now' }]);
  });

  test('on a pipe is asked there', async () => {
    const gateway = await start('roots/list', {}, false);
    const pipes = openPipes(gateway.gateway);
    const hello = initialize('2025-11-25');
    pipes.write({ ...hello, params: { ...hello.params, capabilities } });
    await pipes.next();
    pipes.write({ jsonrpc: '2.0', method: 'notifications/initialized' });
    pipes.write({ jsonrpc: '2.0', id: 2, method: 'tools/list' });
    const { id } = await pipes.next(({ method }) => method === 'roots/list');
    pipes.write({ jsonrpc: '2.0', id, result: ROOTS });
    let n = 10;
    const received = async () => {
      pipes.write({
        jsonrpc: '2.0',
        id: ++n,
        method: 'test/call',
        params: { name: 'received', arguments: {} },
      });
      return JSON.parse((await pipes.next((each) => each.id === n)).result.content[0].text) as string[];
    };
    expect(await answers(received, 1)).toEqual([ROOTS]);
    await pipes.end();
  });

  test('whose session ends takes the question along', async () => {
    const gateway = await start();
    const session = await openSession(gateway.url, { capabilities });
    const stream = await session.stream();
    await stream.message();
    await until(() => gateway.gateway.report().upstreams[0]?.links === 1);
    await fetch(gateway.url, { method: 'DELETE', headers: session.headers });
    await until(() => gateway.gateway.report().upstreams[0]?.links === 0);
  });

  test('that cannot be asked that is not: the server hears so', async () => {
    const gateway = await start('elicitation/create');
    const session = await openSession(gateway.url, { capabilities: { roots: {}, sampling: {} } });
    const received = async () => {
      const { result } = await (await session.ask('test/call', { name: 'received', arguments: {} })).json();
      return JSON.parse(result.content[0].text) as string[];
    };
    expect(await answers(received, 1)).toEqual([{ action: 'cancel' }]);
  });
});

test('a client of 2026 has no place where it could be asked: the server hears so', async () => {
  const gateway = await start();
  const received = async () => {
    const params = { name: 'received', arguments: {} };
    const answer = await ask(gateway.url, 'test/call', params, { capabilities: { roots: {} } });
    return JSON.parse((await answer.json()).result.content[0].text) as string[];
  };
  expect(await answers(received, 1)).toMatchObject([{ code: -32601 }]);
  expect((await received())[0]).toContain('"roots":{}');
});
