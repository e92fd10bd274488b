// F11: names of upstreams that lead nowhere, late, or where they must not: asked of a server of names over UDP.
import { afterEach, describe, expect, test } from 'bun:test';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { type Answer, type NameServer, startNameServer } from '../fixtures/names.ts';
import type { Rogue } from '../fixtures/rogue.ts';
import { until } from '../fixtures/until.ts';
import type { Outcome } from './fault.ts';
import { good, SECRET, startFaulty } from './faulty.ts';
import { clientOf, ERAS, nothingAtWork, startHealthy, told, unharmed } from './scene.ts';

const NAME = 'mcp.example.test';
/** One that is anybody's. Nothing is sent there: who asked for it has gone by then. */
const PUBLIC = '93.184.215.14';

const running: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const each of running.splice(0).reverse()) await each.stop();
});

interface Stage {
  readonly gateway: InProcess;
  readonly names: NameServer;
  readonly good: Rogue;
  /** Calls and connections that reached the upstream. */
  readonly calls: () => number;
  readonly connections: () => number;
}

async function stage(answer: () => Answer | Promise<Answer>, bad: object = {}): Promise<Stage> {
  const healthy = await startHealthy();
  const faulty = await startFaulty({ era: '2026', form: 'json', act: good });
  const names = await startNameServer((name) => (name === NAME ? answer() : 'NXDOMAIN'));
  const url = `http://${NAME}:${faulty.port}/mcp`;
  const up = { url, era: '2026', breaker: 'off', ...bad };
  const gateway = await startInProcess(configOf({ bad: up, good: { url: healthy.url } }), {
    lookUp: names.lookUp,
  });
  running.push(healthy, faulty, names, gateway);
  return {
    gateway,
    names,
    good: healthy,
    calls: () => faulty.calls,
    connections: () => faulty.connections,
  };
}

async function meet(gateway: InProcess, outcome: Outcome): Promise<void> {
  const clients = await Promise.all(ERAS.map((era) => clientOf(gateway.url, era)));
  const failing = clients.map((calling, id) => calling('bad', id));
  await Promise.all(clients.map(unharmed));
  for (const [id, got] of failing.entries()) await told(await got, id, outcome, SECRET);
  await nothingAtWork(gateway);
}

const cannot = (says: string, reason?: string): Outcome => ({
  code: 'UPSTREAM_UNAVAILABLE',
  says,
  ...(reason !== undefined && { reason }),
});
const refused = (says: string): Outcome => cannot(says, 'address_refused');

describe('F11: an upstream whose name', () => {
  for (const code of ['NXDOMAIN', 'SERVFAIL'] as const)
    test(`is answered with ${code}, and that is not remembered`, async () => {
      let answer: Answer = code;
      const { gateway, calls } = await stage(() => answer);
      await meet(gateway, cannot(`cannot be reached at http://${NAME}`));
      answer = ['127.0.0.1'];
      await meet(gateway, {});
      expect(calls()).toBe(2);
    });

  test('is answered late is given up in time, and nothing is sent when the answer comes', async () => {
    const late = Promise.withResolvers<Answer>();
    const bad = { timeouts: { connect: '300ms' } };
    const { gateway, names, connections } = await stage(() => late.promise, bad);
    await meet(gateway, {
      code: 'UPSTREAM_TIMEOUT',
      timeout: 'connect',
      says: 'timeouts.connect (300 ms)',
    });
    // However many calls wait, one question is on its way.
    expect(names.asked).toBe(1);
    late.resolve(['127.0.0.1']);
    await meet(gateway, {});
    expect(connections()).toBeGreaterThan(0);
  });

  test('was public gets nothing once it leads into a network of our own', async () => {
    const first = Promise.withResolvers<Answer>();
    const answers = [first.promise];
    const { gateway, calls, connections } = await stage(() => answers.shift() ?? ['127.0.0.1'], {
      timeouts: { connect: '200ms' },
    });
    await meet(gateway, {
      code: 'UPSTREAM_TIMEOUT',
      timeout: 'connect',
      says: 'timeouts.connect (200 ms)',
    });
    first.resolve([PUBLIC]);
    await until(async () => {
      const calling = await clientOf(gateway.url, '2026');
      return (await (await calling('bad', 1)).text()).includes('address_refused');
    });
    await meet(gateway, refused('leads to a loopback address, and led to public ones before'));
    expect([calls(), connections()]).toEqual([0, 0]);
    const labels = { upstream: 'bad', reach: 'loopback' };
    expect(await gateway.figure('refusedAddresses', labels)).toBeGreaterThan(0);
    const line = gateway.lines.find(({ fields }) => fields.name === NAME);
    expect(line?.fields).toMatchObject({ upstream: 'bad', addresses: '127.0.0.1' });
  });

  test('is a private one may be used, as internal servers are', async () => {
    const { gateway, calls } = await stage(() => ['127.0.0.1', '10.1.2.3']);
    await meet(gateway, {});
    expect(calls()).toBe(2);
  });

  for (const network of ['auto', 'private'])
    test(`leads to the metadata of a cloud gets nothing (${network})`, async () => {
      const { gateway, connections } = await stage(() => ['169.254.169.254'], { network });
      await meet(gateway, refused('leads to a link-local or reserved address'));
      expect(connections()).toBe(0);
    });

  test('must be public gets nothing where it is not', async () => {
    const { gateway, connections } = await stage(() => ['127.0.0.1'], { network: 'public' });
    await meet(gateway, refused('leads to a loopback address, and its network is "public"'));
    expect(connections()).toBe(0);
  });
});
