// `sluice check --connect` beyond upstreams that answer: where each caller has a credential of its own what can be told
// without one is, and servers that give tokens, or keys for them, are asked too.
import { expect, test } from 'bun:test';
import { Home } from './child.ts';

const TOKEN = '0123456789abcdef0123456789abcdef';

/** A configuration with an upstream that wants something of each caller. */
const ofCallers = (url: string) => `
upstreams:
  own:
    url: ${url}
    pipeline:
      - credentials: { callers: [{ principal: ada, headers: { authorization: "\${env:TOKEN}" } }] }
pipeline:
  - auth: { api_keys: { file: off, keys: [{ id: ada, key: "\${env:TOKEN}" }] } }
`;

async function connected(url: string): Promise<{ code: number; out: string; upstreams: unknown }> {
  await using home = new Home();
  home.write('gateway.yaml', ofCallers(url));
  const env = { TOKEN };
  const { code, out } = await home.run(['check', '--connect'], '', env);
  const json = await home.run(['check', '--connect', '--json'], '', env);
  expect(json.code).toBe(code);
  return { code, out, upstreams: JSON.parse(json.out).upstreams };
}

test('one that answers is there, and not judged', async () => {
  let calls = 0;
  await using server = Bun.serve({
    port: 0,
    fetch() {
      calls++;
      return new Response('who are you?', { status: 401 });
    },
  });
  const { code, out, upstreams } = await connected(`http://127.0.0.1:${server.port}/mcp`);
  expect(code).toBe(0);
  expect(out).toMatch(
    / {2}\? own {2}is there; it takes a credential of each caller, and this is none {2}\d+ ms/,
  );
  expect(upstreams).toMatchObject([{ name: 'own', ok: true, judged: false }]);
  expect(calls).toBeGreaterThan(0);
});

test('one that is not there fails', async () => {
  const { code, out, upstreams } = await connected('http://127.0.0.1:1/mcp');
  expect(code).toBe(1);
  expect(out).toMatch(/ {2}✗ own {2}The upstream "own" cannot be reached/);
  expect(upstreams).toMatchObject([{ name: 'own', ok: false, judged: true }]);
});

test('authorization servers and issuers are asked, and told of where they stand', async () => {
  await using home = new Home();
  await using server = Bun.serve({
    port: 0,
    async fetch(request) {
      const { pathname, origin } = new URL(request.url);
      if (pathname.startsWith('/.well-known/'))
        return Response.json({
          issuer: origin,
          jwks_uri: `${origin}/keys`,
          token_endpoint: `${origin}/token`,
        });
      if (pathname === '/keys') return Response.json({ keys: [] });
      const knows = (await request.text()).includes('client_secret=right');
      const given = { access_token: 'a-token-of-the-server', token_type: 'Bearer' };
      return knows ? Response.json(given) : Response.json({ error: 'invalid_client' }, { status: 401 });
    },
  });
  const at = `http://127.0.0.1:${server.port}`;
  const write = (issuer: string, secret: string) =>
    home.write(
      'gateway.yaml',
      `
upstreams:
  own:
    url: http://127.0.0.1:1/mcp
    pipeline:
      - credentials: { client_credentials: { issuer: "${at}", client_id: g, client_secret: "${secret}", auth: client_secret_post } }
pipeline:
  - auth: { issuers: [{ issuer: "${issuer}", audiences: [x] }] }
`,
    );
  const problems = async () => {
    const { code, out } = await home.run(['check', '--connect', '--json']);
    const { diagnostics } = JSON.parse(out) as { diagnostics: Record<string, unknown>[] };
    const told = diagnostics.filter(({ severity }) => severity === 'error');
    return [code, told.map(({ line, code, message }) => [line, code, message])];
  };
  write(`${at}/elsewhere`, 'wrong');
  expect(await problems()).toEqual([
    1,
    [
      [6, 'PLUGIN_OPTIONS', 'the authorization server refuses (invalid_client)'],
      [8, 'PLUGIN_OPTIONS', 'no keys of it: its metadata is that of an issuer of another name'],
    ],
  ]);
  write('http://127.0.0.1:1', 'right');
  expect(await problems()).toEqual([
    1,
    [[8, 'PLUGIN_OPTIONS', 'no keys of it: 127.0.0.1:1 cannot be reached (ECONNREFUSED)']],
  ]);
  write(at, 'right');
  // The upstream is still not there.
  expect(await problems()).toEqual([1, []]);
  write(`${at}/elsewhere`, 'wrong');
  expect((await home.run(['check'])).code).toBe(0);
});
