// Silence toward a client that wants progress: when it is broken, in which words, and for whom.
import { describe, expect, test } from 'bun:test';
import type { McpNotification } from 'sluice/plugin';
import { type Call, type ScriptedUpstream, testPlugin } from 'sluice/testing';
import { CLIENTS } from '../../plugins/progress/clients.ts';
import progress from '../../plugins/progress.ts';

const METHOD = 'notifications/progress';
const HOUR = 3_600_000;
const words = (notes: readonly McpNotification[]) => notes.map(({ params }) => params.message);
const waiting = 'waiting for an answer from "upstream"';

/** A call that says nothing for an hour, of a client of this name. */
const silent = (name?: string, more: Partial<Call> = {}): Call => ({
  method: 'tools/call',
  params: { name: 'slow' },
  progressToken: 'mine',
  client: name === undefined ? {} : { info: { name, version: '1' } },
  upstream: async (up) => {
    await up.wait(HOUR);
    return { content: [] };
  },
  ...more,
});

const reports = (report: (up: ScriptedUpstream, tell: (value: number) => Promise<void>) => Promise<void>) =>
  silent(undefined, {
    upstream: async (up) => {
      await report(up, (value) =>
        up.emit({
          method: METHOD,
          params: { progressToken: 'mine', progress: value, total: 4, message: `${value}` },
        }),
      );
      return { content: [] };
    },
  });

describe('a silent upstream', () => {
  test('every 20 s the client hears what its call waits for, under its own token, in rising values', async () => {
    await using bench = await testPlugin(progress);
    const { notes, cancel, outcome } = bench.start(silent());
    await bench.advance(65_000);
    expect(words(notes)).toEqual([`${waiting} (20 s)`, `${waiting} (40 s)`, `${waiting} (60 s)`]);
    expect(notes.map(({ method, params }) => [method, params.progressToken])).toEqual(
      notes.map(() => [METHOD, 'mine']),
    );
    const values = notes.map(({ params }) => Number(params.progress));
    expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
    expect(values.every((value) => value >= 0 && value < 1e-9)).toBe(true);
    cancel();
    await outcome;
  });

  test('one that begins with 0 afterwards is heard, and its last word before the result, too', async () => {
    await using bench = await testPlugin(progress);
    const running = bench.start(
      reports(async (up, tell) => {
        await up.wait(45_000);
        for (const value of [0, 1, 4]) {
          await tell(value);
          await up.wait(30_000);
        }
      }),
    );
    await bench.advance(HOUR);
    const { notes } = await running.outcome;
    expect(words(notes).filter((word) => !String(word).startsWith(waiting))).toEqual(['0', '1', '4']);
    const values = notes.map(({ params }) => Number(params.progress));
    expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
    for (const { params } of notes)
      expect(Number(params.progress)).toBeLessThanOrEqual(Number(params.total ?? 1));
    expect(notes.find(({ params }) => params.message === '1')?.raw?.text).toBe(
      '{"progressToken":"mine","progress":1,"total":4,"message":"1"}',
    );
  });

  test('nothing is said to a client without a token', async () => {
    await using bench = await testPlugin(progress);
    const { progressToken: _, ...without } = silent();
    const { notes, outcome } = bench.start(without);
    await bench.advance(HOUR);
    expect([notes, (await outcome).late]).toEqual([[], []]);
  });

  test.each([
    ['a result', (bench: { advance(ms: number): Promise<void> }) => bench.advance(HOUR)],
    ['a cancelled call', async (_: unknown, cancel: () => void) => cancel()],
  ])('nothing is said after %s, and no timer is left', async (_, end) => {
    await using bench = await testPlugin(progress);
    const { notes, cancel, outcome } = bench.start(silent());
    await bench.advance(25_000);
    await end(bench, cancel);
    const { late } = await outcome;
    const heard = notes.length;
    await bench.advance(HOUR);
    expect([late, notes.length, bench.timers]).toEqual([[], heard, 0]);
  });

  test('off says nothing', async () => {
    await using bench = await testPlugin(progress, { heartbeat: 'off' });
    const { notes, outcome } = bench.start(silent());
    await bench.advance(HOUR);
    await outcome;
    expect(notes).toEqual([]);
  });

  test('in shadow nothing is said, and the log has what would have been', async () => {
    await using bench = await testPlugin(progress, {}, { mode: 'shadow' });
    const { notes, outcome } = bench.start(silent());
    await bench.advance(HOUR);
    const { log } = await outcome;
    expect(notes).toEqual([]);
    expect(log.map(({ message }) => message)).toEqual([
      'shadow: would have told the client what its call waits for',
    ]);
  });

  test('P4: a client that takes nothing, or fails, does not fail the call', async () => {
    await using bench = await testPlugin(progress);
    const throws = (): never => {
      throw new Error('gone');
    };
    for (const take of [() => new Promise<void>(() => {}), () => Promise.reject(new Error('gone')), throws]) {
      const { outcome } = bench.start({ ...silent(), take });
      await bench.advance(HOUR);
      const { result, failures } = await outcome;
      expect([result.kind, failures]).toEqual(['complete', []]);
    }
  });
});

describe('clients', () => {
  /** When a client of that name hears the first word, in seconds. */
  async function first(name: string | undefined, options: Parameters<typeof progress.schema.parse>[0] = {}) {
    await using bench = await testPlugin(progress, options as never);
    const { notes, cancel, outcome } = bench.start(silent(name));
    for (let second = 1; second <= 600; second++) {
      await bench.advance(1_000);
      if (notes.length === 0) continue;
      cancel();
      await outcome;
      return second;
    }
    cancel();
    await outcome;
    return undefined;
  }

  test('that give up early are told well before', async () => {
    expect(await first('claude-code', { heartbeat: '4m' })).toBe(100);
    expect(await first('claude-ai', { heartbeat: '4m' })).toBe(20);
    expect(await first('somebody', { heartbeat: '4m' })).toBe(240);
    expect(await first(undefined)).toBe(20);
  });

  test('are known by their name in any case, as far as it is written', async () => {
    expect(
      await first('Claude Code', { heartbeat: '5m', clients: { 'claude c*': { heartbeat: '2s' } } }),
    ).toBe(2);
    expect(await first('claude-code/2.1', { heartbeat: '5m' })).toBe(100);
    expect(await first('my-claude-code', { heartbeat: '5m' })).toBe(300);
  });

  test('may be told nothing', async () => {
    expect(await first('opencode')).toBeUndefined();
    expect(await first('mine', { clients: { mine: { heartbeat: 'off' } } })).toBeUndefined();
  });

  test.each([
    ['Visual Studio Code', {}, true],
    ['claude-code', {}, false],
    ['claude-code', { clients: { 'claude*': { percent: true } } }, true],
    ['Visual Studio Code', { clients: { 'visual*': { percent: false } } }, false],
  ])('%s with %j reads figures in words: %p', async (name, options, isTold) => {
    await using bench = await testPlugin(progress, options);
    const { notes, cancel, outcome } = bench.start(
      silent(name, {
        upstream: async (up) => {
          await up.emit({ method: METHOD, params: { progressToken: 'mine', progress: 1, total: 4 } });
          await up.wait(HOUR);
          return {};
        },
      }),
    );
    await bench.advance(25_000);
    expect(words(notes)).toEqual([undefined, `${waiting} (20 s${isTold ? ', 25%' : ''})`]);
    cancel();
    await outcome;
  });

  test('the page has a row for each that is known', async () => {
    const page = await Bun.file(`${import.meta.dir}/../../docs/progress.md`).text();
    const section = /## What clients show(.*?)## /s.exec(page)?.[1] ?? '';
    const rows = section.split('\n').filter((line) => /^\| [^|]+ \| `/.test(line));
    const written = rows.map((row) => row.split('|').slice(2, 5));
    const known = Object.entries(CLIENTS).map(([name, { shows, idle }]) => [
      name,
      { all: 'text and figures', message: 'text', nothing: 'nothing', unknown: 'unknown' }[shows],
      idle === undefined ? '' : `${idle / 60_000} min`,
    ]);
    expect(written.map((row) => row.map((cell) => cell.replaceAll('`', '').trim()))).toEqual(known);
  });
});

test('a heartbeat below a second is refused', async () => {
  await expect(testPlugin(progress, { heartbeat: '10ms' })).rejects.toThrow('at least 1s');
  await expect(testPlugin(progress, { clients: { x: { heartbeat: '10ms' } } })).rejects.toThrow(
    'at least 1s',
  );
});
