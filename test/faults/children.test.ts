// F13–F15: a server that is a process, of either era, for clients of both: what it takes along when it ends, what it
// writes, and that none of it outlives the gateway.
import { beforeAll, describe, expect, test } from 'bun:test';
import type { InProcess } from '../fixtures/in-process.ts';
import { openLifeline } from '../fixtures/lifeline.ts';
import { childPath } from '../fixtures/specs.ts';
import { until } from '../fixtures/until.ts';
import { CHILD_FAULTS, type ChildFault } from './child-faults.ts';
import type { Outcome } from './fault.ts';
import { type Era, SECRET } from './faulty.ts';
import { clientOf, ERAS, nothingAtWork, onStage, startHealthy, told, unharmed } from './scene.ts';

const LATE: Outcome = { code: 'UPSTREAM_TIMEOUT', timeout: 'start', says: 'timeouts.start (250 ms)' };
const ok = (text: string) => expect.objectContaining({ content: [{ type: 'text', text }] });

function serverOf(era: Era, more: object = {}, flags: readonly string[] = []): object {
  const args = [childPath('server.ts'), '--era', era, ...flags];
  return { command: process.execPath, args, era, stop: '20s', kill: '20s', ...more };
}

async function stage(
  bad: object,
  limits: object,
  play: (gateway: InProcess) => Promise<void>,
): Promise<void> {
  const good = await startHealthy();
  await onStage({ bad, good }, { ...limits }, play);
  await good.stop();
}

const pending = (gateway: InProcess): number =>
  gateway.gateway.report().upstreams.find(({ name }) => name === 'bad')?.calls ?? 0;

async function run(fault: ChildFault, era: Era): Promise<void> {
  const { tool, args, alongside, expected, timeouts = {}, limits = {}, times = 1 } = fault;
  await stage(serverOf(era, { timeouts }), limits, async (gateway) => {
    for (const client of ERAS) {
      const calling = await clientOf(gateway.url, client);
      expect((await (await calling('bad', 0, {}, 'echo')).messages()).at(-1).result).toEqual(ok('{}'));
      const beside = alongside && calling('bad', 'beside', {}, alongside);
      if (beside) await until(() => pending(gateway) === 1);
      const failing = calling('bad', 'failing', args?.(era), tool);
      await unharmed(calling);
      await told(await failing, 'failing', expected, SECRET);
      if (beside) await told(await beside, 'beside', expected, SECRET);
      await nothingAtWork(gateway);
      expect((await (await calling('bad', 9, {}, 'echo')).messages()).at(-1).result).toEqual(ok('{}'));
    }
    const { code, dropped, timeout } = expected;
    if (dropped) expect(await gateway.figure('dropped', { reason: dropped })).toBe(times * ERAS.length);
    if (timeout) expect(await gateway.figure('timeouts', { kind: timeout })).toBe(ERAS.length);
    if (code) expect(await gateway.figure('upstreamErrors', { code })).toBeGreaterThanOrEqual(ERAS.length);
    expect(await gateway.figure('upstreamRestarts')).toBe(fault.dies ? ERAS.length : 0);
  });
}

/** What the runtime opens once, on first use, is none of a fault's. */
beforeAll(async () => {
  Bun.spawnSync(['true']);
  await stage(serverOf('2026'), {}, async (gateway) => {
    const calling = await clientOf(gateway.url, '2026');
    await (await calling('bad', 1, {}, 'echo')).text();
  });
});

for (const fault of CHILD_FAULTS)
  describe(`${fault.row}: a process that ${fault.what}`, () => {
    for (const era of ERAS) test(era, () => run(fault, era));
  });

describe('F13: a process that never serves', () => {
  const cases: readonly [string, object, Outcome][] = [
    [
      'is no program',
      { command: '/no/such/program' },
      { code: 'UPSTREAM_UNAVAILABLE', says: 'no such file' },
    ],
    [
      'may not be started',
      { command: '/dev/null' },
      { code: 'UPSTREAM_UNAVAILABLE', says: 'may not be executed' },
    ],
    [
      'ends at once',
      { command: '/bin/sh', args: ['-c', 'exit 1'] },
      { code: 'UPSTREAM_UNAVAILABLE', says: 'exited with code 1' },
    ],
    [
      'ends at once, and well',
      { command: '/bin/sh', args: ['-c', 'exit 0'] },
      { code: 'UPSTREAM_UNAVAILABLE', says: 'exited with code 0' },
    ],
    [
      'says nothing',
      { command: '/bin/sh', args: ['-c', 'cat >/dev/null'], timeouts: { start: '250ms' } },
      LATE,
    ],
    [
      'reads nothing',
      { command: '/bin/sh', args: ['-c', 'sleep 1000'], timeouts: { start: '250ms' }, stop: '50ms' },
      LATE,
    ],
  ];
  for (const [what, config, outcome] of cases)
    test(`one that ${what}`, () =>
      stage(config, {}, async (gateway) => {
        for (const client of ERAS) {
          const calling = await clientOf(gateway.url, client);
          const failing = calling('bad', 1);
          await unharmed(calling);
          await told(await failing, 1, outcome, SECRET);
        }
      }));
});

describe('F13: a process that takes no more input, which only a write shows', () => {
  for (const era of ERAS)
    test(era, () =>
      stage({ command: childPath('unplugging.sh'), era }, {}, async (gateway) => {
        const outcome: Outcome = { code: 'UPSTREAM_UNAVAILABLE', says: 'takes no more input (EPIPE' };
        for (const client of ERAS) {
          const life = openLifeline();
          const calling = await clientOf(gateway.url, client);
          const before = calling('bad', 'before', { path: life.path });
          await life.released;
          const failing = calling('bad', 'failing');
          await unharmed(calling);
          for (const [id, got] of Object.entries({ before, failing }))
            await told(await got, id, outcome, SECRET);
          await nothingAtWork(gateway);
        }
      }),
    );
});

describe('F14: nothing outlives the gateway', () => {
  const held = (lifeline: string, era: Era, flags: readonly string[]): object => ({
    command: childPath('holding.sh'),
    args: [lifeline, process.execPath, childPath('server.ts'), '--era', era, ...flags],
    era,
    stop: '50ms',
    kill: '50ms',
  });
  for (const era of ERAS) {
    test(`of a server of ${era} that heeds neither the end of its input nor TERM, and has a companion`, async () => {
      const life = openLifeline();
      await stage(held(life.path, era, ['--stubborn']), {}, async (gateway) => {
        const calling = await clientOf(gateway.url, era);
        expect((await (await calling('bad', 0, {}, 'echo')).messages()).at(-1).result).toEqual(ok('{}'));
      });
      expect(await life.released).toBe('held\n');
    });

    test(`of a server of ${era} that ends by itself and leaves a companion: that goes at once`, async () => {
      const life = openLifeline();
      await stage(held(life.path, era, []), {}, async (gateway) => {
        const calling = await clientOf(gateway.url, era);
        const got = await calling('bad', 0, { code: 5 }, 'exit');
        await told(got, 0, { code: 'UPSTREAM_UNAVAILABLE', says: 'exited with code 5' }, SECRET);
        expect(await life.released).toBe('held\n');
      });
    });
  }
});
