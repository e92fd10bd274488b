// What strangers may read when something goes wrong: an error in JSON, never source, a stack, a path or a page.

import { afterAll, beforeAll, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { initialize, json, modern, modernHeaders } from '../fixtures/raw.ts';
import type { Process } from './process.ts';
import { Sandbox } from './sandbox.ts';

const FAULTY = `import { definePlugin, z } from 'sluice/plugin';

export default definePlugin({
  name: 'faulty',
  api: 1,
  about: 'Fails.',
  schema: z.strictObject({}),
  setup: () => ({
    onRequest(request) {
      if (request.params.name === 'echo') throw new Error('canary in onRequest');
    },
    async onResult(result, x) {
      if (x.request.params.name === 'big') throw new Error('canary in onResult');
      if (x.request.params.name === 'touch') return 'canary instead of a result';
    },
  }),
});
`;
const CONFIG = `listeners:
  - http: { listen: 127.0.0.1:0 }
admin: { listen: 127.0.0.1:0 }
upstreams:
  demo: { builtin: demo }
pipeline:
  - ./faulty.ts: {}
`;
/** Places in code, pages for people, and what the faulty plugin says. */
const LEAK = /canary|\bat \S+ ?\(|\.[tj]s\b|[a-z]:\d+:\d+|bunfs|node_modules|smoke-|<!doctype|<html|<script/i;

let sandbox: Sandbox;
let gateway: Process;
let url: string;
let admin: string;

beforeAll(async () => {
  sandbox = await Sandbox.open({ 'gateway.yaml': CONFIG, 'faulty.ts': FAULTY });
  gateway = sandbox.start(['run']);
  url = await gateway.url();
  admin = /"admin":"([^"]+)"/.exec(gateway.err)?.[1] ?? '';
});
afterAll(() => sandbox[Symbol.asyncDispose]());

interface Shown {
  readonly status: number;
  readonly text: string;
}

async function ask(target: string, init: RequestInit = {}): Promise<Shown> {
  const response = await fetch(target, init);
  return {
    status: response.status,
    text: `${JSON.stringify([...response.headers])}\n${await response.text()}`,
  };
}

/** Sends bytes as they are and returns all that comes back. */
function bytes(text: string): Promise<Shown> {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<Shown>();
  let seen = '';
  const socket = connect(Number(port), hostname, () => socket.end(text));
  socket.on('data', (chunk) => {
    seen += chunk.toString('latin1');
  });
  socket.on('close', () => resolve({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(seen)?.[1] ?? 0), text: seen }));
  socket.on('error', reject);
  return promise;
}

const post = (body: string | object, headers: Record<string, string> = {}) =>
  ask(url, {
    method: 'POST',
    headers: { ...json, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

function expectClean({ text }: Shown): void {
  expect(text).not.toMatch(LEAK);
}

/** The body of an answer that is one JSON document. */
function bodyOf(shown: Shown): { error: { code: number; message: string; data: Record<string, unknown> } } {
  expectClean(shown);
  return JSON.parse(shown.text.slice(shown.text.indexOf('\n') + 1));
}

test.each([
  ['no JSON', '{bad', 'PARSE', 400],
  ['deep nesting', '['.repeat(100_000), 'INVALID_REQUEST', 400],
  ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 'INVALID_REQUEST', 400],
  ['no message', '{"a":1}', 'INVALID_REQUEST', 400],
  [
    'a member twice',
    '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}',
    'INVALID_REQUEST',
    400,
  ],
])('%s', async (_, body, code, status) => {
  const shown = await post(body);
  expect([shown.status, bodyOf(shown).error.data.code]).toEqual([status, code]);
});

test('a method that is none, a tool that is none, a header that disagrees', async () => {
  const method = await post(modern('no/such'), modernHeaders('no/such'));
  expect([method.status, bodyOf(method).error.code]).toEqual([404, -32601]);
  const tool = await post(
    modern('tools/call', { name: 'none', arguments: {} }),
    modernHeaders('tools/call', 'none'),
  );
  expectClean(tool);
  const header = await post(modern('tools/list'), modernHeaders('tools/call', 'echo'));
  expect([header.status, bodyOf(header).error.data.code]).toEqual([400, 'HEADER_MISMATCH']);
});

test('a wrong Host, a wrong Origin', async () => {
  for (const headers of [
    { host: 'evil.example' },
    { host: 'a b' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
  ]) {
    const shown = await post(initialize('2025-11-25'), headers);
    expect([shown.status, bodyOf(shown).error.data.code]).toEqual([403, 'HOST_REFUSED']);
  }
});

test('paths and methods that are not served', async () => {
  for (const path of ['/', '/nope', '/mcp/..%2f..%2fetc/passwd', '/%00%ff', '/src/main']) {
    const shown = await ask(new URL(path, url).href);
    expect([path, shown.status]).toEqual([path, 404]);
    expectClean(shown);
  }
  for (const method of ['PUT', 'PATCH', 'PROPFIND']) {
    const shown = await ask(url, { method });
    expect([method, shown.status]).toEqual([method, 405]);
    expectClean(shown);
  }
});

test('HTTP that is none', async () => {
  const head = 'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\ncontent-type: application/json\r\n';
  const all: [string, string][] = [
    ['garbage', 'garbage\r\n\r\n'],
    ['no Host', 'POST /mcp HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}'],
    ['HTTP/1.0', 'POST /mcp HTTP/1.0\r\ncontent-length: 2\r\n\r\n{}'],
    ['two Hosts', 'GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil\r\n\r\n'],
    ['an odd Host', 'GET /mcp HTTP/1.1\r\nHost: [::bad\r\n\r\n'],
    ['an empty Host', 'GET /mcp HTTP/1.1\r\nHost:\r\n\r\n'],
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n'],
    ['an absolute target', 'GET http://evil.example/mcp HTTP/1.1\r\nHost: evil.example\r\n\r\n'],
    ['two lengths', `${head}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`],
    ['length and chunks', `${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['a header too large', `${head}x: ${'y'.repeat(70_000)}\r\n\r\n`],
    ['half a body', `${head}content-length: 200\r\n\r\n{"jsonrpc"`],
  ];
  for (const [name, text] of all) {
    const shown = await bytes(text);
    expect([name, shown.status === 0 || (shown.status >= 400 && shown.status < 500)]).toEqual([name, true]);
    expectClean(shown);
  }
});

test.each(['echo', 'big', 'touch'])(
  'a plugin that fails at %s: what it threw is in the log, not in the answer',
  async (name) => {
    const params = { name, arguments: name === 'big' ? { bytes: 10 } : { text: 'hi' } };
    const shown = await post(modern('tools/call', params), modernHeaders('tools/call', name));
    expectClean(shown);
    expect(shown.text).toContain('PLUGIN_FAILED');
    const { code, out, err } = await sandbox.run([
      'call',
      name,
      '--json-args',
      JSON.stringify(params.arguments),
      '--url',
      url,
    ]);
    expect({ code, out, clean: !LEAK.test(err) }).toEqual({ code: 1, out: '', clean: true });
    if (name !== 'touch') expect(gateway.err).toContain('canary in');
  },
);

test('the admin listener: wrong host, unknown path, what only the socket may do', async () => {
  const tries: [string, RequestInit, number][] = [
    ['/status', { headers: { host: 'evil.example' } }, 403],
    ['/nope', {}, 404],
    ['/reload', { method: 'POST', body: '{bad' }, 403],
    ['/healthz', {}, 200],
    ['/readyz', {}, 200],
  ];
  for (const [path, init, status] of tries) {
    const shown = await ask(`${admin}${path}`, init);
    expect([path, shown.status]).toEqual([path, status]);
    expectClean(shown);
  }
  const bad = await ask('http://localhost/reload', {
    unix: sandbox.path('sluice.sock'),
    method: 'POST',
    body: '{bad',
  } as RequestInit);
  expect([bad.status, typeof bodyOf(bad).error]).toEqual([400, 'object']);
});

test('after all this it still answers, and the log has no unexpected error', async () => {
  expect((await post(modern('tools/list'), modernHeaders('tools/list'))).status).toBe(200);
  expect(gateway.err).not.toContain('unexpected error');
});
