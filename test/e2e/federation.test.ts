// Two upstreams behind one endpoint, and a plugin file of the user between: names, owners, and headers made anew.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, call, openSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { connectPeer, httpPeerKinds, textOf } from '../fixtures/peers.ts';
import { type RawUpstream, startRawUpstream } from '../fixtures/raw-upstream.ts';
import { startEverythingHttp } from '../fixtures/upstreams.ts';

const schema = (header: string) => ({
  type: 'object',
  properties: { region: { type: 'string', 'x-mcp-header': header } },
});
const TOOLS = JSON.stringify([
  { name: 'old', inputSchema: schema('Region') },
  { name: 'new', inputSchema: schema('Zone') },
  { name: 'a__b__c', inputSchema: { type: 'object' } },
]);

let a: RawUpstream;
let b: RawUpstream;
let gateway: InProcess;
let dir: string;
const upstreamOf = (name: string) =>
  startRawUpstream({
    tools: TOOLS,
    answer({ message: { method, params } }) {
      if (method === 'resources/list')
        return `{"resultType":"complete","ttlMs":0,"cacheScope":"private","resources":[{"uri":"test://${name}","name":"${name}"},{"uri":"test://both","name":"${name}"}]}`;
      if (method === 'resources/templates/list')
        return `{"resultType":"complete","resourceTemplates":[{"uriTemplate":"${name}:///{path}","name":"t"}]}`;
      if (method === 'resources/read')
        return `{"resultType":"complete","contents":[{"uri":"${params.uri}","text":"of ${name}"}]}`;
      if (method === 'prompts/list') return '{"resultType":"complete","prompts":[{"name":"p"}]}';
      if (method === 'prompts/get' || method === 'tools/call')
        return `{"resultType":"complete","content":[{"type":"text","text":"${name} ${params.name}"}]}`;
      return '!{"code":-32601,"message":"no"}';
    },
  });
const lastOf = (upstream: RawUpstream, method: string) =>
  upstream.seen.findLast(({ message }) => message.method === method);

beforeAll(async () => {
  [a, b] = [upstreamOf('a'), upstreamOf('a_')];
  dir = mkdtempSync(join(tmpdir(), 'sluice-federation-'));
  writeFileSync(
    join(dir, 'rename.ts'),
    `import { definePlugin, z } from 'sluice/plugin';
     export default definePlugin({
       name: 'rename', api: 1, about: 'Renames a tool.', schema: z.strictObject({ from: z.string(), to: z.string() }),
       setup: ({ from, to }) => ({
         onRequest: (request) => request.params.name === from
           ? request.with({ name: to, arguments: { region: 'Zürich', more: 1 } }) : undefined,
       }),
     });`,
  );
  const pipeline = [{ './rename.ts': { from: 'a__old', to: 'a___new' } }];
  gateway = await startInProcess(configOf({ a: { url: a.url }, a_: { url: b.url } }, { pipeline }), { dir });
});
afterAll(async () => {
  await gateway.stop();
  await a.stop();
  await b.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe('names', () => {
  test('are those of all upstreams, each with its own in front', async () => {
    const { result } = await (await ask(gateway.url, 'tools/list')).json();
    expect(result.tools.map(({ name }: { name: string }) => name)).toEqual([
      'a__old',
      'a__new',
      'a__a__b__c',
      'a___old',
      'a___new',
      'a___a__b__c',
    ]);
    const session = await openSession(gateway.url);
    const prompts = (await (await session.ask('prompts/list')).json()).result.prompts;
    expect(prompts.map(({ name }: { name: string }) => name)).toEqual(['a__p', 'a___p']);
  });

  test('find their upstream by the longest name, not by the first mark', async () => {
    for (const [name, text] of [
      ['a__a__b__c', 'a a__b__c'],
      ['a___a__b__c', 'a_ a__b__c'],
    ] as const) {
      expect((await (await call(gateway.url, name)).json()).result.content[0].text).toBe(text);
    }
    expect(
      (await (await ask(gateway.url, 'prompts/get', { name: 'a___p' }, { name: 'a___p' })).json()).result
        .content[0].text,
    ).toBe('a_ p');
  });

  test('that nobody has are refused without asking anybody', async () => {
    const before = [a.seen.length, b.seen.length];
    for (const name of ['old', 'b__old', '__old', 'A__old']) {
      const answer = await call(gateway.url, name);
      expect([answer.status, (await answer.json()).error.code]).toEqual([200, -32602]);
    }
    expect(
      [a.seen, b.seen].map(
        (seen) => seen.filter(({ message }) => message.method === 'tools/call').length > 0,
      ),
    ).toEqual([true, true]);
    expect(a.seen.slice(before[0]).filter(({ message }) => message.method === 'tools/call')).toEqual([]);
  });
});

describe('resources', () => {
  const read = async (uri: string) =>
    await (await ask(gateway.url, 'resources/read', { uri }, { name: uri })).json();
  test('are listed once each, and read from their owner', async () => {
    const { result } = await (await ask(gateway.url, 'resources/list')).json();
    expect(result.resources.map(({ uri, name }: Record<string, string>) => `${uri} ${name}`)).toEqual([
      'test://a a',
      'test://both a',
      'test://a_ a_',
    ]);
    for (const [uri, owner] of [
      ['test://a', 'a'],
      ['test://a_', 'a_'],
      ['test://both', 'a'],
      ['a_:///x/y', 'a_'],
      ['a:///x', 'a'],
    ] as const) {
      expect((await read(uri)).result.contents).toEqual([{ uri, text: `of ${owner}` }]);
    }
  });

  test('that nobody has are an error of their own in each era', async () => {
    expect((await read('nobody://x')).error).toMatchObject({ code: -32602, data: { uri: 'nobody://x' } });
    const session = await openSession(gateway.url);
    expect((await (await session.ask('resources/read', { uri: 'nobody://x' })).json()).error.code).toBe(
      -32002,
    );
  });
});

describe('a plugin that renames', () => {
  for (const era of ['2025', '2026'] as const) {
    test(`sends a ${era} client's call elsewhere, with headers of the new message`, async () => {
      const answer = await (era === '2026'
        ? call(
            gateway.url,
            'a__old',
            { region: 'eu' },
            { headers: { 'mcp-param-region': 'eu', 'mcp-param-other': 'x' } },
          )
        : (await openSession(gateway.url)).call('a__old', { region: 'eu' }));
      expect((await answer.json()).result.content[0].text).toBe('a_ new');
      const seen = lastOf(b, 'tools/call');
      expect(seen?.message.params).toMatchObject({ name: 'new', arguments: { region: 'Zürich', more: 1 } });
      const base64 = Buffer.from('Zürich').toString('base64');
      expect(Object.fromEntries(seen?.headers ?? [])).toMatchObject({
        'mcp-method': 'tools/call',
        'mcp-name': 'new',
        'mcp-param-zone': `=?base64?${base64}?=`,
        'mcp-protocol-version': '2026-07-28',
      });
      expect([seen?.headers.has('mcp-param-region'), seen?.headers.has('mcp-session-id')]).toEqual([
        false,
        false,
      ]);
    });
  }

  test('does not repair what a client got wrong before', async () => {
    const before = b.seen.length;
    const answer = await call(
      gateway.url,
      'a__old',
      { region: 'eu' },
      { headers: { 'mcp-param-region': 'us' } },
    );
    expect([answer.status, (await answer.json()).error.code]).toEqual([400, -32020]);
    expect(b.seen.slice(before).filter(({ message }) => message.method === 'tools/call')).toEqual([]);
  });
});

describe('an upstream that is down', () => {
  test('leaves the others as they are', async () => {
    const everything = await startEverythingHttp();
    const config = configOf({ up: { url: everything.url }, down: { url: 'http://127.0.0.1:1/mcp' } });
    await using half = await startInProcess(config);
    for (const kind of httpPeerKinds) {
      const peer = await connectPeer(kind, { url: half.url });
      const tools = await peer.tools();
      expect(tools).toContain('up__test_simple_text');
      expect(tools.filter((name) => name.startsWith('down__'))).toEqual([]);
      expect(textOf(await peer.call('up__test_simple_text', {}))).toContain('simple text');
      await expect(peer.call('down__x', {})).rejects.toThrow('down');
      await peer.close();
    }
    await everything.stop();
  });
});
