// F10 and F11: connections that half stand or never do, and names that nobody knows.
import { beforeAll, describe, test } from 'bun:test';
import { startFullQueue } from '../fixtures/full-queue.ts';
import type { InProcess } from '../fixtures/in-process.ts';
import { modern, modernHeaders } from '../fixtures/raw.ts';
import { until } from '../fixtures/until.ts';
import { POST_HEADERS, RawConnection } from '../fixtures/wire.ts';
import type { Outcome } from './fault.ts';
import { good, SECRET, startFaulty } from './faulty.ts';
import { clientOf, ERAS, nothingAtWork, onStage, startHealthy, told, unharmed } from './scene.ts';

/** A call of each client meets the fault; the healthy upstream answers meanwhile. */
async function meet(
  gateway: InProcess,
  outcome: Outcome,
  begun: () => boolean = () => true,
  args: object = {},
): Promise<void> {
  const clients = await Promise.all(ERAS.map((era) => clientOf(gateway.url, era)));
  const failing = clients.map((calling, id) => calling('bad', id, args));
  let over = 0;
  for (const each of failing) void each.then(() => over++);
  // One that failed before the fault was met is told of below.
  await until(() => begun() || over === failing.length);
  await Promise.all(clients.map(unharmed));
  for (const [id, got] of failing.entries()) await told(await got, id, outcome, SECRET);
  await nothingAtWork(gateway);
}

async function stage(bad: object, play: (gateway: InProcess) => Promise<void>, limits = {}): Promise<void> {
  const good = await startHealthy();
  await onStage({ bad, good }, limits, play);
  await good.stop();
}

beforeAll(() => stage({ url: 'http://127.0.0.1:1/mcp' }, async () => {}));

describe('F10: an upstream', () => {
  for (const era of ERAS)
    test(`of ${era} that takes the connection and reads nothing`, async () => {
      const faulty = await startFaulty({ era, form: 'json', act: good, deaf: true });
      const bad = { url: faulty.url, era, timeouts: { first_byte: '1s', message: '1s' } };
      const outcome: Outcome = {
        code: 'UPSTREAM_TIMEOUT',
        timeout: 'first_byte',
        says: 'timeouts.first_byte (1000 ms)',
      };
      // More than the system holds for a reader.
      const args = { text: 'x'.repeat(16 << 20) };
      const limits = { body: '32MiB', string: '32MiB' };
      await stage(
        bad,
        async (gateway) => {
          await meet(gateway, outcome, () => faulty.calls === 2, args);
          // It does not read that it has been left, either.
          await faulty.stop();
        },
        limits,
      );
    });

  test('that listens and accepts nothing', async () => {
    await using queue = await startFullQueue();
    const before = queue.waiting;
    const bad = { url: `http://127.0.0.1:${queue.port}/mcp`, timeouts: { connect: '400ms' } };
    const outcome: Outcome = {
      code: 'UPSTREAM_TIMEOUT',
      timeout: 'connect',
      says: 'timeouts.connect (400 ms)',
    };
    await stage(bad, (gateway) => meet(gateway, outcome, () => queue.waiting > before));
    await until(() => queue.waiting <= before);
  });

  test('that is not there', async () => {
    const gone = await startFaulty({ era: '2026', form: 'json', act: good });
    await gone.stop();
    const outcome: Outcome = {
      code: 'UPSTREAM_UNAVAILABLE',
      says: `cannot be reached at ${new URL(gone.url).origin}`,
    };
    await stage({ url: gone.url }, (gateway) => meet(gateway, outcome));
  });
});

test('F10: a client that has said all it will say has its call cancelled since 2026', async () => {
  const faulty = await startFaulty({ era: '2026', form: 'json', act() {} });
  await stage({ url: faulty.url }, async (gateway) => {
    const connection = new RawConnection(gateway.url);
    const body = JSON.stringify(modern('tools/call', { name: 'bad__tool', arguments: {} }));
    const headers = { ...POST_HEADERS, ...modernHeaders('tools/call', 'bad__tool') };
    const lines = Object.entries({ host: 'localhost', ...headers, 'content-length': body.length });
    connection.write(`POST /mcp HTTP/1.1\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n${body}`);
    await until(() => faulty.calls === 1);
    connection.finish();
    await until(() => faulty.held === 0);
    await connection.closed();
    await nothingAtWork(gateway);
  });
  await faulty.stop();
});

test('F11: an upstream whose name nobody knows, asked as this machine asks', async () => {
  const outcome: Outcome = {
    code: 'UPSTREAM_UNAVAILABLE',
    says: 'cannot be reached at http://nowhere.invalid',
  };
  await stage({ url: 'http://nowhere.invalid/mcp' }, (gateway) => meet(gateway, outcome));
});
