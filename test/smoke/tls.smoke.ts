// The compiled binary as others reach it: over TLS with a certificate that is renewed on disk, and who is at a socket.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { createAuthority } from '../fixtures/certificates.ts';
import { json, modern, modernHeaders } from '../fixtures/raw.ts';
import { shake, trusting } from '../fixtures/secured.ts';
import { send } from '../fixtures/wire.ts';
import type { Process } from './process.ts';
import { Sandbox } from './sandbox.ts';

const authority = createAuthority('an authority');
const robot = authority.issue({ host: 'robot.test' });
const issue = () => authority.issue({ host: '127.0.0.1' });
const files = ({ cert, key }: ReturnType<typeof issue>) => ({ 'tls.pem': cert, 'tls.key': key });

const config = (rules: string) => `
listeners:
  - http:
      listen: 0.0.0.0:0
      url: https://127.0.0.1
      tls: { cert: ./tls.pem, key: ./tls.key, client: { ca: ./ca.pem }, look: 50ms }
  - http: { listen: unix:./mcp.sock }
admin: { listen: off, socket: off }
upstreams: { demo: { builtin: demo } }
pipeline:
  - auth: ${rules}
`;
const body = modern('tools/call', { name: 'echo', arguments: { text: 'hi' } });
const headers = { ...json, ...modernHeaders('tools/call', 'echo') };

let sandbox: Sandbox;
let gateway: Process;
let first: ReturnType<typeof issue>;

beforeAll(async () => {
  first = issue();
  const uid = process.getuid?.() ?? 0;
  const rules = `{ certificates: [{ dns: robot.test }], peers: [{ uid: ${uid} }] }`;
  sandbox = await Sandbox.open({ 'ca.pem': authority.cert, 'gateway.yaml': config(rules), ...files(first) });
  gateway = sandbox.start(['run', '--config', sandbox.path('gateway.yaml')]);
});
afterAll(() => sandbox[Symbol.asyncDispose]());

/** Where the listener is that other machines reach. */
async function place(): Promise<string> {
  const [, port] = await gateway.until(/https:\/\/0\.0\.0\.0:(\d+)\/mcp\b/);
  return `https://127.0.0.1:${port}/mcp`;
}

test('a client with a certificate is served, and one without is not', async () => {
  const asking = { method: 'POST', headers, body: JSON.stringify(body) };
  const served = await trusting(authority.cert, robot)(await place(), asking);
  expect([served.status, await served.text()]).toEqual([200, expect.stringContaining('"hi"')]);
  const refused = trusting(authority.cert)(await place(), { ...asking, keepalive: false });
  expect(
    await refused.then(
      () => 'served',
      () => 'refused',
    ),
  ).toBe('refused');
});

test('a certificate that is replaced is the one that is shown', async () => {
  const next = issue();
  await sandbox.write(files(next));
  await gateway.until(/certificates renewed/);
  const shown = await shake(
    await place(),
    robot,
    'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
  );
  expect(shown.fingerprint).toBe(new X509Certificate(next.cert).fingerprint256);
});

test.skipIf(process.platform === 'win32')('whoever is at the socket is known by the kernel', async () => {
  await place();
  const answer = await send('http://localhost/mcp', { body, headers, socketPath: sandbox.path('mcp.sock') });
  expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('"hi"')]);
});
