// `sluice check --connect` where each caller has a credential of its own: what can be told without one, is.
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
