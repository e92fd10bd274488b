// Hundreds of clients with the same ids, tokens and request ids on one shared upstream: each receives what is its
// own, all of it, in order, and nothing else.
import { afterAll, describe, expect, test } from 'bun:test';
import { call, openSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { nonceStdio, serveNonce } from '../fixtures/nonce.ts';
import { connectPeer, textOf } from '../fixtures/peers.ts';
import { until } from '../fixtures/until.ts';

const STEPS = 5;

/** What one client has received for one call: notes in order, and the text of the result. */
interface Received {
  readonly progress: string[];
  readonly logs: string[];
  text: string;
}
type Client = (nonce: string) => Promise<Received>;

/** A session by hand, with the ids and tokens of everybody else. */
async function rawSession(url: string): Promise<Client> {
  const session = await openSession(url, { headers: { 'x-request-id': 'the-same' } });
  await (await session.ask('logging/setLevel', { level: 'debug' }, 1)).text();
  return async (nonce) =>
    received(await (await session.call('nonce', { nonce, steps: STEPS }, { id: 1, token: 1 })).messages());
}

async function rawStateless(url: string): Promise<Client> {
  return async (nonce) => {
    const options = { id: 1, token: 1, level: 'debug', headers: { 'x-request-id': 'the-same' } };
    return received(await (await call(url, 'nonce', { nonce, steps: STEPS }, options)).messages());
  };
}

// biome-ignore lint/suspicious/noExplicitAny: messages of every shape
function received(messages: readonly any[]): Received {
  const of = (method: string) =>
    messages.filter((message) => message.method === method).map(({ params }) => params);
  const last = messages.at(-1);
  expect(last.id).toBe(1);
  expect(of('notifications/progress').every(({ progressToken }) => progressToken === 1)).toBe(true);
  return {
    progress: of('notifications/progress').map(({ message }) => message),
    logs: of('notifications/message').map(({ data }) => data),
    text: last.result.content[0].text,
  };
}

/** The official SDK v1, whose ids and tokens count from 0 for everybody. */
async function sdkSession(url: string): Promise<Client> {
  let logs: string[] = [];
  const peer = await connectPeer('v1', { url }, { onLog: (_level, data) => logs.push(String(data)) });
  return async (nonce) => {
    logs = [];
    const progress: string[] = [];
    const onProgress = ({ message = '' }) => void progress.push(message);
    const result = await peer.call('nonce', { nonce, steps: STEPS }, { onProgress, logLevel: 'debug' });
    return { progress, logs, text: textOf(result) };
  };
}

const upstreams = [
  { name: 'http', logs: true, clients: 300 },
  { name: 'stdio', logs: false, clients: 300 },
  { name: 'http-2025', logs: true, clients: 60 },
  { name: 'http-2026', logs: true, clients: 60 },
  { name: 'stdio-2025', logs: false, clients: 60 },
  { name: 'stdio-2026', logs: false, clients: 60 },
] as const;

for (const { name, logs, clients: count } of upstreams) {
  describe(`${count} clients on one upstream over ${name}`, () => {
    let gateway: InProcess | undefined;
    let stop: (() => Promise<void>) | undefined;
    afterAll(async () => {
      await gateway?.stop();
      await stop?.();
    });

    test('receive their own and nothing else', async () => {
      const [transport, suffix] = name.split('-');
      const era = suffix === '2025' || suffix === '2026' ? suffix : 'both';
      const serving = transport === 'http' ? serveNonce(era) : undefined;
      stop = serving?.stop;
      const upstream = serving ? { url: serving.url } : nonceStdio(era);
      gateway = await startInProcess(configOf({ nonce: upstream }, { limits: { in_flight: 4_096 } }));
      const { url } = gateway;
      const kinds = [rawStateless, rawSession, sdkSession];
      const clients = await Promise.all(
        [...Array(count).keys()].map((i) => (kinds[i % 3] ?? rawStateless)(url)),
      );
      for (let round = 0; round < 2; round++) {
        await Promise.all(
          clients.map(async (client, i) => {
            const nonce = `${round}-${i}-${crypto.randomUUID()}`;
            const own = [...Array(STEPS).keys()].map((step) => `${nonce}#${step + 1}`);
            const got = await client(nonce);
            expect(got.text).toBe(nonce);
            expect(got.progress).toEqual(own);
            // A shared pipe does not say whose a log line is: then nobody gets it.
            if (logs) expect(got.logs).toEqual(own);
            else expect(got.logs.filter((line) => !own.includes(line))).toEqual([]);
          }),
        );
      }
      await until(() => gateway?.gateway.report().inFlight === 0);
      expect(gateway.gateway.report().upstreams[0]).toMatchObject({ tokens: 0, parked: 0 });
      expect(await gateway.figure('exchanges', { method: 'tools/call', outcome: 'complete' })).toBe(
        2 * count,
      );
      if (transport === 'stdio') expect(gateway.gateway.report().upstreams[0]?.links).toBeLessThanOrEqual(2);
    });
  });
}
