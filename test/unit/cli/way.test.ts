// Where `sluice call` and `sluice tools` find the gateway that nobody named: over what it listens on.
import { expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { createAuthority } from '../../fixtures/certificates.ts';
import { type Child, Home } from './child.ts';

/** Nobody says where the gateway is. */
const FREE = { SLUICE_URL: '' };

const admin = 'admin: { listen: off, socket: ./admin.sock }\n';
const demo = 'upstreams: { demo: { builtin: demo } }\n';

async function started(home: Home, text: string, env: Record<string, string> = {}): Promise<Child> {
  home.write('gateway.yaml', `${admin}${text}`);
  const gateway = home.start(['run'], { env });
  await gateway.until(/"msg":"listening"/);
  return gateway;
}

const listed = (home: Home, args: string[] = [], env: Record<string, string> = {}) =>
  home.run(['tools', 'list', ...args], '', { ...FREE, ...env });

test('a free port, and the endpoint that is named or the first', async () => {
  await using home = new Home();
  const endpoints = 'endpoints: { /all: {}, /one: { tools: { allow: [echo] } } }\n';
  await started(home, `listeners: [{ http: { listen: "127.0.0.1:0" } }]\n${demo}${endpoints}`);
  expect((await listed(home)).out).toMatch(/^slow_count /m);
  expect((await listed(home, ['--endpoint', '/one'])).out).toMatch(/^echo +\S.*\n$/);
  expect(await home.run(['call', 'echo', 'text=here', '--endpoint', '/one'], '', FREE)).toEqual({
    code: 0,
    out: 'here\n',
    err: '',
  });
});

test('a socket file of a configuration that is named', async () => {
  await using home = new Home();
  await started(home, `listeners: [{ http: { listen: "unix:./mcp.sock" } }]\n${demo}`);
  expect((await listed(home, ['-c', home.path('gateway.yaml')])).out).toMatch(/^slow_count /m);
});

test('TLS on all interfaces, by the name that its certificate is for', async () => {
  await using home = new Home();
  const authority = createAuthority('ours');
  const { cert, key } = authority.issue({ host: 'mcp.example.com' });
  for (const [name, text] of Object.entries({ cert, key, ca: authority.cert }))
    writeFileSync(home.path(`${name}.pem`), text, { mode: 0o600 });
  const listener = `{ listen: "0.0.0.0:0", url: https://mcp.example.com, tls: { cert: cert.pem, key: key.pem } }`;
  const auth = 'pipeline: [{ auth: { anonymous: { public: true } } }]\n';
  const gateway = await started(home, `listeners: [{ http: ${listener} }]\n${demo}${auth}`);
  expect((await listed(home, [], { NODE_EXTRA_CA_CERTS: home.path('ca.pem') })).out).toMatch(/^slow_count /m);
  const untrusted = await listed(home);
  expect(untrusted.code).toBe(69);
  expect(untrusted.err).toMatch(
    /the certificate of https:\/\/127\.0\.0\.1:\d+\/mcp \(mcp\.example\.com\) is not trusted/,
  );
  // What the gateway says of itself is enough, whatever the file has become since.
  home.write('gateway.yaml', `${admin}upstreams: { a: { url: 1 } }\n`);
  expect((await listed(home, [], { NODE_EXTRA_CA_CERTS: home.path('ca.pem') })).out).toMatch(/^slow_count /m);
  // The public URL stands first, with the address that it leads to.
  expect(gateway.err).toMatch(
    /"url":"https:\/\/0\.0\.0\.0:\d+\/mcp","public":"https:\/\/mcp\.example\.com\/mcp"/,
  );
  expect((await home.run(['status'])).out).toMatch(
    /MCP +https:\/\/mcp\.example\.com\/mcp \(on 0\.0\.0\.0:\d+\)/,
  );
});

test('where none runs, the address of the configuration is told', async () => {
  await using home = new Home();
  home.write('gateway.yaml', `${admin}${demo}listeners: [{ http: { listen: "127.0.0.1:1" } }]\n`);
  const { code, err } = await listed(home);
  expect({ code, err }).toEqual({
    code: 69,
    err: 'sluice: no gateway answers at http://127.0.0.1:1/mcp\n        start one with `sluice run`\n',
  });
  home.write('gateway.yaml', `${admin}${demo}listeners: [{ stdio: {} }]\n`);
  expect(await listed(home)).toMatchObject({ code: 2, err: expect.stringContaining('no HTTP listener') });
});

test('a tool of an upstream that is away is not called unknown', async () => {
  await using home = new Home();
  const upstreams = 'upstreams: { demo: { builtin: demo }, gone: { url: "http://127.0.0.1:1/mcp" } }\n';
  await started(home, `listeners: [{ http: { listen: "127.0.0.1:0" } }]\n${upstreams}`);
  const called = (tool: string) => home.run(['call', tool], '', FREE);
  expect(await called('gone__search')).toMatchObject({
    code: 75,
    err: expect.stringContaining('for now: the upstream "gone" cannot be reached, and lists none'),
  });
  expect(await called('demo__serch')).toMatchObject({
    code: 1,
    err: expect.stringContaining('there is no tool demo__serch'),
  });
});
