// Ways past who may call that no table has: another name of the listener, a connection that somebody else began, a tool
// that is called through another, one resource under another spelling.
import { afterEach, describe, expect, test } from 'bun:test';
import { Agent, request as httpRequest } from 'node:http';
import { plugins } from '../../plugins/index.ts';
import type { Certificate } from '../fixtures/certificates.ts';
import { ask, call, openSession } from '../fixtures/clients.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { modern, modernHeaders } from '../fixtures/raw.ts';
import { secured, shake } from '../fixtures/secured.ts';
import { POST_HEADERS, post } from '../fixtures/wire.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const KEYS = { ada: 'a'.repeat(40), bob: 'b'.repeat(40) };
const as = (name: keyof typeof KEYS) => ({ headers: { 'x-api-key': KEYS[name] } });
const keys = (scopes: Record<string, readonly string[]> = {}) => ({
  file: 'off',
  keys: Object.entries(KEYS).map(([id, key]) => ({ key, id, scopes: scopes[id] ?? [] })),
});

async function start(auth: object, more: object = {}): Promise<InProcess> {
  const gateway = await startInProcess(configOf(DEMO, { pipeline: [{ auth }], ...more }), { plugins });
  ending.push(() => gateway.stop());
  return gateway;
}

const principals = ({ lines }: InProcess): unknown[] =>
  lines.filter(({ message }) => message === 'call').map(({ fields }) => fields.principal);

test('a connection stands for nobody: each of its requests is whose credential it has', async () => {
  const gateway = await start({ api_keys: keys() });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  ending.push(() => agent.destroy());
  const ports = new Set<number>();
  const status = (headers: Record<string, string>): Promise<number> => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const all = { ...POST_HEADERS, ...modernHeaders('tools/list'), ...headers };
    const sent = httpRequest(gateway.url, { method: 'POST', agent, headers: all }, (response) => {
      ports.add(response.socket.localPort ?? 0);
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject).end(JSON.stringify(modern('tools/list')));
    return promise;
  };
  const [ada, bob] = [as('ada').headers, as('bob').headers];
  const got: number[] = [];
  for (const headers of [ada, {}, bob, {}, ada]) got.push(await status(headers as Record<string, string>));
  expect([got, ports.size]).toEqual([[200, 401, 200, 401, 200], 1]);
  expect(principals(gateway)).toEqual(['ada', 'bob', 'ada']);
});

describe('a tool that is called through call_tool', () => {
  const rules = [{ methods: ['tools/call'], names: ['*echo'], scopes: ['mcp:admin'] }];
  const search = { endpoints: { '/mcp': { expose: { mode: 'search' } } } };
  const inner = { name: 'echo', arguments: { text: 'hi' } };
  const tries: [string, object][] = [
    ['once', inner],
    ['twice', { name: 'call_tool', arguments: inner }],
    ['by its name with its upstream', { ...inner, name: 'demo__echo' }],
    ['with the arguments of another beside', { ...inner, arguments: { ...inner.arguments, name: 'add' } }],
  ];

  test.each(tries)('%s is that tool to rules, in either era', async (_, args) => {
    const gateway = await start({ api_keys: keys({ bob: ['mcp:admin'] }), rules }, search);
    const session = await openSession(gateway.url, { version: '2025-03-26', ...as('ada') });
    const answers = [
      await call(gateway.url, 'call_tool', args, as('ada')),
      await session.call('call_tool', args),
      await post(
        gateway.url,
        [{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'call_tool', arguments: args } }],
        session.headers,
      ),
    ];
    for (const each of answers) expect(await each.text()).not.toContain('"hi"');
  });

  test('and who may call it does so', async () => {
    const gateway = await start({ api_keys: keys({ bob: ['mcp:admin'] }), rules }, search);
    expect(await (await call(gateway.url, 'call_tool', inner, as('bob'))).text()).toContain('"hi"');
  });
});

test('a resource is the same however it is written', async () => {
  const rules = [{ methods: ['resources/read'], names: ['demo://clock'], scopes: ['mcp:admin'] }];
  const gateway = await start({ api_keys: keys(), rules });
  for (const uri of ['demo://clock', 'DEMO://clock', 'demo://%63lock', 'demo:\t//clock'])
    expect([
      uri,
      (await ask(gateway.url, 'resources/read', { uri }, { name: uri, ...as('ada') })).status,
    ]).toEqual([uri, 403]);
});

describe('by another name of the listener', () => {
  const head = `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n`;
  const body = JSON.stringify(modern('tools/list'));
  const fields = Object.entries({
    ...POST_HEADERS,
    ...modernHeaders('tools/list'),
    'content-length': body.length,
  });
  const text = `${head}${fields.map((each) => each.join(': ')).join('\r\n')}\r\n\r\n${body}`;

  test.each([true, false])(
    'certificates of clients are judged the same; they are required: %p',
    async (require) => {
      const on = secured();
      const elsewhere = secured('another authority');
      ending.push(
        () => on[Symbol.dispose](),
        () => elsewhere[Symbol.dispose](),
      );
      on.write('other', { host: 'other.test' });
      const tls = {
        client: { ca: on.path('ca.pem'), require },
        hosts: { 'other.test': { cert: on.path('other.pem'), key: on.path('other.key') } },
      };
      const gateway = await start({ certificates: [{ dns: 'robot.test' }] }, on.listeners(tls));
      const robot = on.authority.issue({ host: 'robot.test' });
      const forged = elsewhere.authority.issue({ host: 'robot.test' });
      const said = async (shown: Certificate | undefined, servername: string) =>
        (
          await shake(gateway.url, { servername, ...(shown && { cert: shown.cert, key: shown.key }) }, text)
        ).said.slice(0, 12);
      const refused = require ? '' : 'HTTP/1.1 401';
      for (const name of ['other.test', 'OTHER.test', 'unknown.test', 'localhost']) {
        expect([name, await said(robot, name)]).toEqual([name, 'HTTP/1.1 200']);
        expect([name, await said(forged, name)]).toEqual([name, refused]);
        expect([name, await said(undefined, name)]).toEqual([name, refused]);
      }
    },
  );
});
