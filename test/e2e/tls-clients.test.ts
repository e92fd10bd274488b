// Clients on the official SDKs, of both eras and all transports of HTTP, over TLS, with a certificate of their own; and
// curl. The listener is one that other machines reach.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { plugins } from '../../plugins/index.ts';
import type { Certificate } from '../fixtures/certificates.ts';
import { configOf, DEMO, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { connectPeer, httpPeerKinds, type Peer, type PeerKind, textOf } from '../fixtures/peers.ts';
import { json, modern, modernHeaders } from '../fixtures/raw.ts';
import { type Secured, secured, trusting } from '../fixtures/secured.ts';

let on: Secured;
let gateway: InProcess;
let robot: Certificate;
let stranger: Certificate;

beforeAll(async () => {
  on = secured();
  [robot, stranger] = [on.authority.issue({ host: 'robot.test' }), on.authority.issue({ host: 'stranger' })];
  const tls = { client: { ca: on.path('ca.pem') } };
  const http = { listen: '0.0.0.0:0', url: 'https://127.0.0.1', hosts: ['mcp.test'] };
  const pipeline = [{ auth: { certificates: [{ dns: 'robot.test' }] } }];
  gateway = await startInProcess(configOf(DEMO, { ...on.listeners(tls, http), pipeline }), { plugins });
});
afterAll(async () => {
  await gateway.stop();
  on[Symbol.dispose]();
});

/** The address that clients are given; the one that is bound is everywhere. */
const place = (path = '/mcp'): string => `https://127.0.0.1:${new URL(gateway.url).port}${path}`;

function connect(kind: PeerKind, shown = robot): Promise<Peer> {
  const url = place(kind === 'sse' ? '/sse' : '/mcp');
  return connectPeer(kind, { url, fetch: trusting(on.authority.cert, shown) });
}

describe.each(httpPeerKinds)('%s', (kind) => {
  test('calls, hears of progress and watches', async () => {
    const peer = await connect(kind);
    expect(await peer.tools()).toContain('echo');
    const text = 'x'.repeat(300_000);
    expect(textOf(await peer.call('echo', { text }))).toBe(text);
    const steps: number[] = [];
    const onProgress = ({ progress }: { progress: number }) => void steps.push(progress);
    const counted = await peer.call('slow_count', { to: 3, every_ms: 10 }, { onProgress });
    expect([textOf(counted), steps]).toEqual(['Counted to 3.', [1, 2, 3]]);

    const { promise: updated, resolve } = Promise.withResolvers<string>();
    const stop = await peer.watch('demo://clock', resolve);
    await peer.call('touch', {});
    expect(await updated).toBe('demo://clock');
    await stop();
    await peer.close();
  });

  test('is refused with a certificate that stands for nobody', async () => {
    const refused = await connect(kind, stranger).then(
      () => 'connected',
      () => 'refused',
    );
    expect(refused).toBe('refused');
    expect(await gateway.figure('refused', { code: 'UNAUTHENTICATED' })).toBeGreaterThan(0);
  });
});

describe('the Host header', () => {
  const asked = (host: string) =>
    trusting(on.authority.cert, robot)(place(), {
      method: 'POST',
      headers: { ...json, ...modernHeaders('tools/list'), host },
      body: JSON.stringify(modern('tools/list')),
    }).then(async (response) => [response.status, await response.text()] as const);

  test.each(['127.0.0.1', 'mcp.test', 'mcp.test:443', 'mcp.test:8443'])('%s is ours', async (host) => {
    expect((await asked(host))[0]).toBe(200);
  });

  test.each(['evil.test', '0.0.0.1', 'mcp.test.evil.test'])('%s is not', async (host) => {
    const [status, text] = await asked(host);
    expect([status, text]).toEqual([403, expect.stringContaining('HOST_REFUSED')]);
  });
});

test.skipIf(Bun.which('curl') === null)('curl', async () => {
  writeFileSync(on.path('robot.pem'), robot.cert);
  writeFileSync(on.path('robot.key'), robot.key);
  const files = [
    '--cacert',
    on.path('ca.pem'),
    '--cert',
    on.path('robot.pem'),
    '--key',
    on.path('robot.key'),
  ];
  const headers = { ...json, ...modernHeaders('tools/call', 'echo') };
  const given = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const body = JSON.stringify(modern('tools/call', { name: 'echo', arguments: { text: 'from curl' } }));
  const child = Bun.spawn(
    ['curl', '-sS', ...files, ...given, '-w', '\n%{http_code} %{http_version}', '-d', body, place()],
    { stdout: 'pipe', stderr: 'pipe' },
  );
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect([err, out]).toEqual(['', expect.stringMatching(/from curl[\s\S]*\n200 1\.1$/)]);
});
