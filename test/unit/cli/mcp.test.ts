// What the CLI makes of the ways a gateway can refuse it: one exit code and one sentence each.
import { afterAll, expect, test } from 'bun:test';
import { selfSigned } from '../../fixtures/certificates.ts';
import { Home } from './child.ts';

const home = new Home();
afterAll(() => home[Symbol.asyncDispose]());

interface Asked {
  readonly id: number;
  readonly method: string;
}

/** A server that discovers and lists, and answers calls with what the test says. */
function server(answer: (asked: Asked) => Response): {
  url: string;
  headers: Headers[];
  [Symbol.dispose](): void;
} {
  const headers: Headers[] = [];
  const served = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      headers.push(request.headers);
      const asked = (await request.json()) as Asked;
      if (asked.method === 'server/discover')
        return Response.json({
          jsonrpc: '2.0',
          id: asked.id,
          result: {
            resultType: 'complete',
            supportedVersions: ['2026-07-28'],
            capabilities: { tools: {} },
            serverInfo: { name: 'fake', version: '1' },
            ttlMs: 0,
            cacheScope: 'private',
          },
        });
      if (asked.method !== 'tools/list') return answer(asked);
      const tools = [{ name: 'x', inputSchema: { type: 'object' } }];
      const result = { resultType: 'complete', tools, ttlMs: 0, cacheScope: 'private' };
      return Response.json({ jsonrpc: '2.0', id: asked.id, result });
    },
  });
  return {
    url: `http://127.0.0.1:${served.port}/mcp`,
    headers,
    [Symbol.dispose]: () => void served.stop(true),
  };
}

function refusing(code: string, rpc: number, http: number) {
  return ({ id }: Asked) =>
    Response.json(
      { jsonrpc: '2.0', id, error: { code: rpc, message: 'No.', data: { code } } },
      { status: http },
    );
}

test.each([
  ['FORBIDDEN', 1403, 403, 77],
  ['UNAUTHENTICATED', 1401, 200, 77],
  ['RATE_LIMITED', 1429, 200, 75],
  ['BUSY', 1503, 200, 75],
  ['UPSTREAM_TIMEOUT', -32603, 200, 75],
  ['PARAMS_INVALID', -32602, 200, 1],
])('%s (%d, HTTP %d) exits %d', async (code, rpc, http, exit) => {
  using fake = server(refusing(code, rpc, http));
  const done = await home.run(['call', 'x', '--url', fake.url]);
  expect({ code: done.code, out: done.out }).toEqual({ code: exit, out: '' });
  expect(done.err).toStartWith('sluice: ');
});

test('a refusal with a name of the catalogue says how to learn more', async () => {
  using fake = server(refusing('RATE_LIMITED', 1429, 200));
  const { err } = await home.run(['call', 'x', '--url', fake.url]);
  expect(err).toBe('sluice: No. (RATE_LIMITED)\n        `sluice explain RATE_LIMITED` says more\n');
});

test('a wall of authorization: 77, and how to pass it', async () => {
  using wall = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: () => new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer' } }),
  });
  const asked = ['tools', 'list', '--url', `http://127.0.0.1:${wall.port}/mcp`];
  const { code, err } = await home.run(asked);
  expect(code).toBe(77);
  expect(err).toContain('SLUICE_TOKEN');
  for (const header of ['Authorization: Bearer x', 'X-Api-Key: x']) {
    const sent = await home.run([...asked, '-H', header]);
    expect(sent.code).toBe(77);
    expect(sent.err).toContain('`refused`');
    expect(sent.err).not.toContain('SLUICE_TOKEN');
  }
});

test('a certificate that nobody here trusts is no gateway that is away', async () => {
  using fake = Bun.serve({ port: 0, tls: selfSigned('localhost'), fetch: () => new Response() });
  const { code, err } = await home.run(['tools', 'list', '--url', `https://localhost:${fake.port}/mcp`]);
  expect(code).toBe(69);
  expect(err).toContain('is not trusted (');
  expect(err).toContain('NODE_EXTRA_CA_CERTS');
});

test('a stream that ends without a result: 75, at once', async () => {
  const cut = () => new Response(': nothing\n\n', { headers: { 'content-type': 'text/event-stream' } });
  using fake = server(cut);
  const { code, err } = await home.run(['call', 'x', '--url', fake.url]);
  expect(code).toBe(75);
  expect(err).toContain('closed the connection before the result');
});

test('headers and the token of the environment are sent; a header wins', async () => {
  const result = { resultType: 'complete', content: [{ type: 'text', text: 'ok' }] };
  using fake = server(({ id }) => Response.json({ jsonrpc: '2.0', id, result }));
  const env = { SLUICE_TOKEN: 'from-env', HTTP_PROXY: 'http://127.0.0.1:1' };
  await home.run(['call', 'x', '--url', fake.url, '-H', 'X-Team: a', '-H', 'X-Who: b'], '', env);
  expect(fake.headers.at(-1)?.get('authorization')).toBe('Bearer from-env');
  expect(fake.headers.at(-1)?.get('x-team')).toBe('a');
  expect(fake.headers.at(-1)?.get('x-who')).toBe('b');
  await home.run(['call', 'x', '--url', fake.url, '-H', 'Authorization: Basic x'], '', env);
  expect(fake.headers.at(-1)?.get('authorization')).toBe('Basic x');
});

test('content that is no text is named, and JSON has it whole', async () => {
  const content = [
    { type: 'text', text: 'one' },
    { type: 'image', data: 'AAAA', mimeType: 'image/png' },
    { type: 'resource_link', uri: 'file:///a', name: 'a' },
    { type: 'resource', resource: { uri: 'file:///b', text: 'two' } },
  ];
  using fake = server(({ id }) =>
    Response.json({ jsonrpc: '2.0', id, result: { resultType: 'complete', content } }),
  );
  const { out } = await home.run(['call', 'x', '--url', fake.url]);
  expect(out).toBe('one\n[image image/png, 3 bytes; see --json]\nfile:///a\ntwo\n');
  expect(JSON.parse((await home.run(['call', 'x', '--url', fake.url, '--json'])).out).content).toEqual(
    content,
  );
});
