// Many clients on one server of 2025 that asks them in the middle of calls, however its processes and sessions are
// shared: each is asked what is its own, and nobody's question is declined.
import { describe, expect, test } from 'bun:test';
import { configOf, startInProcess } from '../fixtures/in-process.ts';
import { connectPeer, type Peer, peerKinds, textOf } from '../fixtures/peers.ts';
import { startSseServer } from '../fixtures/sse-server.ts';
import { until } from '../fixtures/until.ts';
import { everythingStdio, startEverythingHttp } from '../fixtures/upstreams.ts';

const CLIENTS = 12;

interface Client {
  readonly name: string;
  readonly peer: Peer;
  /** What it was asked. */
  readonly asked: string[];
}

async function connect(url: string, n: number): Promise<Client> {
  const name = `client-${n}`;
  const asked: string[] = [];
  const elicit = (message: string) => {
    asked.push(message);
    return { action: 'accept' as const, content: { username: name, email: `${name}@example.com` } };
  };
  const kind = peerKinds[n % peerKinds.length] ?? 'modern';
  return { name, asked, peer: await connectPeer(kind, { url }, { elicit }) };
}

async function everybodyIsAsked(url: string, count = CLIENTS): Promise<void> {
  const clients = await Promise.all(Array.from({ length: count }, (_, n) => connect(url, n)));
  for (let round = 0; round < 2; round++) {
    const texts = await Promise.all(
      clients.map(async ({ peer, name }) =>
        textOf(await peer.call('test_elicitation', { message: `for ${name}` })),
      ),
    );
    expect(texts).toEqual(
      clients.map(
        ({ name }) =>
          `User response: action=accept, content={"username":"${name}","email":"${name}@example.com"}`,
      ),
    );
  }
  for (const { name, asked } of clients) expect(asked).toEqual([`for ${name}`, `for ${name}`]);
  await Promise.all(clients.map(({ peer }) => peer.close()));
}

describe('processes', () => {
  test.each([
    ['auto', { max: 4 }, 4, CLIENTS],
    ['auto', { max: 1 }, 1, CLIENTS],
    ['shared', {}, 1, CLIENTS],
    ['principal', { max: 2 }, 2, CLIENTS],
    // A process takes its time to start.
    ['session', {}, 16, 6],
    ['request', {}, 16, 3],
  ] as const)('per %s %o', async (per, more, most, clients) => {
    const upstream = { ...everythingStdio({ era: '2025' }), instances: { per, ...more } };
    await using gateway = await startInProcess(configOf({ everything: upstream }));
    await everybodyIsAsked(gateway.url, clients);
    expect(await gateway.figure('dropped', { reason: 'question_ambiguous' })).toBe(0);
    const [report] = gateway.gateway.report().upstreams;
    expect(report).toMatchObject({ calls: 0, parked: 0 });
    expect(report?.links).toBeLessThanOrEqual(most);
    if (per === 'request') await until(() => (gateway.gateway.report().upstreams[0]?.links ?? 0) <= 1);
  });
});

describe('sessions over HTTP', () => {
  test.each(['session', 'principal', 'request', 'shared'] as const)('per %s', async (per) => {
    const serving = await startEverythingHttp({ era: '2025' });
    const upstream = { url: serving.url, sessions: { per } };
    await using gateway = await startInProcess(configOf({ everything: upstream }));
    await everybodyIsAsked(gateway.url);
    expect(await gateway.figure('dropped', { reason: 'question_ambiguous' })).toBe(0);
    if (per === 'shared') expect(gateway.gateway.report().upstreams[0]?.links).toBe(1);
    if (per === 'request') await until(() => (gateway.gateway.report().upstreams[0]?.links ?? 0) <= 1);
    await gateway.stop();
    await serving.stop();
  });
});

describe('sessions over HTTP+SSE, whose one stream does not tell whose a question is', () => {
  test.each(['session', 'principal', 'shared'] as const)('per %s', async (per) => {
    const serving = await startSseServer();
    const upstream = { url: serving.url, type: 'sse', sessions: { per } };
    await using gateway = await startInProcess(configOf({ older: upstream }));
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, n) => {
        const elicit = () => ({ action: 'accept' as const, content: { name: `client-${n}` } });
        return connectPeer(peerKinds[n % peerKinds.length] ?? 'modern', { url: gateway.url }, { elicit });
      }),
    );
    const texts = await Promise.all(clients.map(async (peer) => textOf(await peer.call('ask', {}))));
    expect(texts).toEqual(clients.map((_, n) => `accept client-${n}`));
    expect(await gateway.figure('dropped', { reason: 'question_ambiguous' })).toBe(0);
    await Promise.all(clients.map((peer) => peer.close()));
    await gateway.stop();
    await serving.stop();
  });
});
