// The plugin with sinks and anchors: what reaches them, over restarts and reloads, and that no call waits for them.
import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Harness, testPlugin } from 'sluice/testing';
import { readKey } from '../../../plugins/audit/key.ts';
import { segmentsOf } from '../../../plugins/audit/segments.ts';
import audit from '../../../plugins/audit.ts';
import { type Receiver, receiver } from '../../fixtures/audit/receiver.ts';
import { startWitness } from '../../fixtures/audit/witness.ts';
import { until } from '../../fixtures/until.ts';

const origin = 'gw.example.com/1';
const keys = [{ id: 'k1', secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}` }];
const hook = (url: string, more: Record<string, unknown> = {}) => ({
  kind: 'webhook' as const,
  url,
  keys,
  retry: { from: '1ms', to: '1ms' },
  ...more,
});

function place() {
  const stateDir = mkdtempSync(join(tmpdir(), 'sluice-outlets-'));
  const log = join(stateDir, 'audit');
  return {
    stateDir,
    log,
    lines: () =>
      segmentsOf(log).flatMap(({ name }) => readFileSync(join(log, name), 'utf8').split('\n').slice(0, -1)),
    [Symbol.dispose]: () => rmSync(stateDir, { recursive: true }),
  };
}

const started = (stateDir: string, options: object): Promise<Harness> =>
  testPlugin(audit, { origin, ...options } as never, { stateDir });

const call = (gateway: Harness) =>
  gateway.call({ method: 'tools/call', params: { name: 'search', arguments: {} } });

/** Entries as their sink got them: `seq` of each, and their lines. */
function got({ requests }: Pick<Receiver, 'requests'>): string[] {
  return requests.flatMap(({ body }) => {
    const { entries } = JSON.parse(body) as { entries: unknown[] };
    return entries.map((entry) => JSON.stringify(entry));
  });
}

test('a sink gets every entry of the log, from the first, as it stands there', async () => {
  using at = place();
  await using server = receiver();
  const gateway = await started(at.stateDir, { sinks: [hook(server.url)] });
  for (let n = 0; n < 5; n++) await call(gateway);
  await gateway.dispose();
  expect(got(server)).toEqual(at.lines());
  expect(got(server).length).toBeGreaterThan(10);
  expect(statSync(join(at.log, 'delivery', 'webhook.json')).mode & 0o777).toBe(0o600);
});

test('what was written while a sink was away reaches it after a restart, once', async () => {
  using at = place();
  let isAway = true;
  await using server = receiver(() => new Response('', { status: isAway ? 503 : 200 }));
  const first = await started(at.stateDir, { sinks: [hook(server.url)], delivery: { drain: '1ms' } });
  for (let n = 0; n < 3; n++) await call(first);
  await first.dispose();
  isAway = false;
  const before = server.requests.length;
  const second = await started(at.stateDir, { sinks: [hook(server.url)] });
  // Nobody has called yet.
  await until(() => server.requests.length > before);
  await call(second);
  await second.dispose();
  expect(got({ requests: server.requests.slice(before) })).toEqual(at.lines());
});

test('no call waits for a sink that takes nothing', async () => {
  using at = place();
  const never = Promise.withResolvers<Response>();
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => never.promise });
  const url = `http://127.0.0.1:${server.port}`;
  const gateway = await started(at.stateDir, { sinks: [hook(url)], delivery: { drain: '1ms' } });
  for (let n = 0; n < 20; n++) expect((await call(gateway)).result?.kind).toBe('complete');
  expect(gateway.levels.get('behind_webhook')).toBeGreaterThan(20);
  await gateway.dispose();
  never.resolve(new Response());
  await server.stop(true);
});

test('a reload changes, adds and removes sinks; one that stays as it is goes on', async () => {
  using at = place();
  await using one = receiver();
  await using two = receiver();
  await using three = receiver();
  const gateway = await started(at.stateDir, {
    sinks: [hook(one.url, { name: 'a' }), hook(two.url, { name: 'b' })],
  });
  await call(gateway);
  await until(() => got(two).length === at.lines().length);
  await gateway.reload({ origin, sinks: [hook(one.url, { name: 'a' }), hook(three.url, { name: 'b' })] });
  // What is there when the old one ends, it still sends.
  await until(async () => {
    await call(gateway);
    return got(three).length > 0;
  });
  const changed = got(two).length;
  await call(gateway);
  await gateway.dispose();
  expect(got(one)).toEqual(at.lines());
  // The new place goes on where the old one of that name ended.
  expect([...got(two), ...got(three)]).toEqual(at.lines());
  expect(got(two).length).toBe(changed);
});

test('a witness cosigns; a log put back to an old copy is refused by it, and figures, log and report say so', async () => {
  using at = place();
  const { signer } = readKey(join(at.stateDir, 'audit.key'), origin);
  await using witness = startWitness({ logs: new Map([[origin, [signer.verifier]]]) });
  const anchors = [{ kind: 'witness', url: witness.url, key: witness.key, every: '1ms', on_break: 'stop' }];
  const options = { level: 2, anchors, checkpoint: { entries: 2 } };
  const first = await started(at.stateDir, options);
  await call(first);
  await first.dispose();
  expect(witness.statuses).toContain(200);
  expect(existsSync(join(at.log, 'anchors', 'witness.jsonl'))).toBe(true);
  const copy = mkdtempSync(join(tmpdir(), 'sluice-copy-'));
  rmSync(copy, { recursive: true });
  await Bun.$`cp -a ${at.log} ${copy}`.quiet();
  const second = await started(at.stateDir, options);
  for (let n = 0; n < 3; n++) await call(second);
  await second.dispose();
  // The whole directory is put back, with all the log knows of itself: the same inodes are not, which is the least.
  const seen = witness.latest.get(origin)?.size ?? 0;
  await Bun.$`rm -rf ${at.log} && cp -a ${copy} ${at.log} && rm -rf ${copy}`.quiet();
  await Bun.$`rm ${join(at.log, 'integrity.json')}`.quiet();
  const third = await started(at.stateDir, { ...options, integrity: { store: 'memory' } });
  await call(third);
  await until(() => third.faults.length > 0);
  expect(String(third.faults[0])).toContain(`has seen ${seen} entries`);
  expect(
    [...third.counts].filter(([name]) => /failed\{kind=witness,reason=(rollback|fork)/.test(name)).length,
  ).toBe(1);
  expect(third.log.some(({ level, fields }) => level === 'error' && fields.reason === 'rollback')).toBe(true);
  expect(await third.report()).toMatchObject({ deliveries: [{ name: 'witness', reason: 'rollback' }] });
  await third.dispose();
});

test.each([
  [{ sinks: [hook('https://a.example'), hook('https://b.example')] }, 'another one is called "webhook"'],
  [{ level: 1, anchors: [{ kind: 'file', path: '/mnt/x' }] }, 'needs `level: 2`'],
  [{ level: 2, anchors: [{ kind: 'file', path: 'x' }] }, 'absolute'],
  [{ sinks: [{ kind: 'kafka' }] }, ''],
])('%j is refused', (options, why) => {
  const { error } = audit.schema.safeParse(options);
  expect(error?.issues.map(({ message }) => message).join()).toContain(why);
});
