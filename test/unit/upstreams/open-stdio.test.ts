// Commands that say nothing for long, and in which era they are spoken to then.
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RawObject } from '../../../src/protocol/raw.ts';
import { openStdio } from '../../../src/upstreams/open-stdio.ts';
import { createOwn } from '../../../src/upstreams/own.ts';
import { NO_REAPER } from '../../../src/upstreams/reaper.ts';
import { NoReply, OutOfTime } from '../../../src/upstreams/verdict.ts';
import { testHost } from '../../fixtures/exchanges.ts';
import { longAfter, timerSet } from '../../fixtures/long-after.ts';
import { type Changes, childPath, commandSpec } from '../../fixtures/specs.ts';

const dir = mkdtempSync(join(tmpdir(), 'sluice-slow-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const EMPTY = RawObject.of({});
const EVENTS = { unsolicited() {}, ended() {}, callOver() {} };

function opening(
  era: '2025' | '2026',
  script: readonly string[],
  timeouts: NonNullable<Changes['timeouts']>,
) {
  const host = testHost();
  const started: number[] = [];
  const at = {
    spec: commandSpec('/bin/sh', script, { timeouts }),
    host,
    reaper: { ...NO_REAPER, watch: (pid: number) => void started.push(pid) },
    gateway: EMPTY,
    signal: new AbortController().signal,
    own: createOwn('up', () => () => [], host.now)(),
  };
  const profile = { version: '2025-11-25', info: undefined, capabilities: EMPTY };
  const leaving: Promise<unknown>[] = [];
  const open = () =>
    openStdio(era, at, profile, {
      events: EVENTS,
      question() {},
      withdrawn() {},
      leaving: (ended) => void leaving.push(ended),
    });
  return { open, started, leaving };
}

/** As long as `longAfter` lets pass. */
const LONG = 3_600_000;
const MUTE = ['-c', 'cat >/dev/null'];

test.each([
  // A second process is asked in the other era while the first has its time.
  ['2026', 1, OutOfTime, 2],
  ['2025', 1, OutOfTime, 1],
  // Without time for that, the other era has a start of its own.
  ['2026', LONG + 1, NoReply, 1],
] as const)(
  'a mute one, for a client of %s and with timeouts.probe of %d ms',
  async (era, probe, kind, processes) => {
    const { open, started } = opening(era, MUTE, { start: LONG, probe });
    const outcome = await longAfter(() => open().catch((error: unknown) => error), timerSet);
    expect((outcome as Error).constructor).toBe(kind);
    expect((outcome as NoReply).fault.message).toContain(`timeouts.start (${LONG} ms)`);
    expect(started.length).toBe(processes);
  },
);

test('one of 2026 that is slow stays that: it answers after a second process refused initialize', async () => {
  const { open, started } = opening('2026', [childPath('slow.sh'), join(dir, 'refused')], { probe: 1 });
  const link = await open();
  expect([link.era, link.hello.info?.text]).toEqual(['2026', '{"name":"slow","version":"1"}']);
  expect(started.length).toBe(2);
  await link.close();
});

test('who has waited for one that does not answer does not wait for its end as well', async () => {
  const { open, started, leaving } = opening('2025', ['-c', 'exec sleep 3600'], { start: LONG });
  const outcome = await longAfter(() => open().catch((error: unknown) => error), timerSet);
  expect(outcome).toBeInstanceOf(OutOfTime);
  const [pid] = started;
  // It does not read, so it does not notice that its input is closed.
  expect(process.kill(Number(pid), 0)).toBe(true);
  process.kill(Number(pid), 'SIGKILL');
  expect(leaving).toHaveLength(1);
  await leaving[0];
});
