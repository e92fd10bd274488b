// The entries of a log as sinks get them: from memory while they keep up, else from its files.
import { expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cursor, cursorFile } from '../../../plugins/audit/delivery/cursor.ts';
import type { Source } from '../../../plugins/audit/delivery/delivery.ts';
import { entriesOf } from '../../../plugins/audit/delivery/entries.ts';
import { Recent } from '../../../plugins/audit/delivery/recent.ts';
import { segmentsOf } from '../../../plugins/audit/segments.ts';
import { type WrittenLog, writeLog } from '../../fixtures/audit/log.ts';

function linesOf({ directory }: WrittenLog): string[] {
  return segmentsOf(directory).flatMap(({ name }) =>
    readFileSync(join(directory, name), 'utf8').split('\n').slice(0, -1),
  );
}

/** All that comes after a cursor, and what was left out. */
async function drain(source: Source<string>, from: Cursor) {
  const lines: string[] = [];
  const skipped: unknown[] = [];
  let cursor = from;
  for (let batch = await source.after(cursor); batch; batch = await source.after(cursor)) {
    lines.push(...batch.items);
    if (batch.skipped) skipped.push(batch.skipped);
    cursor = batch.next;
  }
  return { lines, skipped, cursor };
}

const wide = { batch: 64, behind: 1_000_000, from: 'now' as const };

test('from the beginning, over all files, from any place in the middle', async () => {
  using log = await writeLog({ entries: 300 });
  const all = linesOf(log);
  const source = entriesOf(log.directory, new Recent(10, all.length), wide);
  expect(segmentsOf(log.directory).length).toBeGreaterThan(5);
  for (const seq of [0, 1, 37, 150, all.length - 1, all.length])
    expect((await drain(source, { seq })).lines).toEqual(all.slice(seq));
});

test('batches end where they may end, and the next begins there', async () => {
  using log = await writeLog({ entries: 120 });
  const all = linesOf(log);
  const source = entriesOf(log.directory, new Recent(10, all.length), { ...wide, batch: 3 });
  const { lines, cursor } = await drain(source, { seq: 5 });
  expect(lines).toEqual(all.slice(5));
  expect(cursor.seq).toBe(all.length);
});

test('nothing is sent that is not known to be on disk', async () => {
  using log = await writeLog({ entries: 50 });
  const source = entriesOf(log.directory, new Recent(10, 20), wide);
  expect((await drain(source, { seq: 0 })).lines).toEqual(linesOf(log).slice(0, 20));
});

test('who keeps up gets them from memory, even if the file is gone', async () => {
  using log = await writeLog({ entries: 5, segmentSize: 100_000 });
  const recent = new Recent(10, 0);
  recent.add(['a', 'b', 'c'], 1);
  rmSync(join(log.directory, 'segment-0000000000000001.jsonl'));
  const source = entriesOf(log.directory, recent, wide);
  expect((await drain(source, { seq: 1 })).lines).toEqual(['b', 'c']);
});

test('memory has a bound, and what it has not is read', async () => {
  using log = await writeLog({ entries: 200 });
  const all = linesOf(log);
  const recent = new Recent(16, 0);
  for (const [at, line] of all.entries()) recent.add([line], at + 1);
  expect(recent.after(0, 10)).toBeUndefined();
  expect(recent.after(all.length - 1, 10)).toEqual(all.slice(-1));
  expect((await drain(entriesOf(log.directory, recent, wide), { seq: 0 })).lines).toEqual(all);
});

test('a file that is not there any more is passed over, and its entries counted', async () => {
  using log = await writeLog({ entries: 300 });
  const all = linesOf(log);
  const [, second, third] = segmentsOf(log.directory);
  rmSync(join(log.directory, second?.name ?? ''));
  const source = entriesOf(log.directory, new Recent(10, all.length), wide);
  const { lines, skipped } = await drain(source, { seq: 0 });
  const [from = 0, to = 0] = [second?.first, third?.first];
  expect(lines).toEqual([...all.slice(0, from - 1), ...all.slice(to - 1)]);
  expect(skipped).toEqual([{ entries: to - from, reason: 'missing' }]);
});

test('who is too far behind goes on where it may be, and what is between is counted', async () => {
  using log = await writeLog({ entries: 100 });
  const all = linesOf(log);
  const source = entriesOf(log.directory, new Recent(10, all.length), { ...wide, behind: 30 });
  const { lines, skipped } = await drain(source, { seq: 10 });
  expect(lines).toEqual(all.slice(-30));
  expect(skipped).toEqual([{ entries: all.length - 40, reason: 'behind' }]);
});

test('one that is new begins with what comes from now on, or with all of it where that is wanted, or is little', () => {
  const startOf = (last: number, from: 'now' | 'beginning') =>
    entriesOf('/nowhere', new Recent(10, last), { ...wide, from }).start().seq;
  expect([startOf(41, 'now'), startOf(41, 'beginning'), startOf(1, 'now')]).toEqual([41, 0, 0]);
});

test('a cursor is kept for its owner alone, and one that cannot be read is none', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-cursor-'));
  try {
    const path = join(directory, 'delivery', 'siem.json');
    const file = cursorFile(path);
    expect(file.read()).toBeUndefined();
    await file.write({ seq: 12, segment: 'segment-0000000000000001.jsonl', offset: 77 });
    expect(cursorFile(path).read()).toEqual({
      seq: 12,
      segment: 'segment-0000000000000001.jsonl',
      offset: 77,
    });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'delivery')).mode & 0o777).toBe(0o700);
    for (const text of ['', '{', '{"seq":-1}', '{"seq":"1"}', '{"seq":1.5}', 'null']) {
      writeFileSync(path, text);
      expect(file.read()).toBeUndefined();
    }
  } finally {
    chmodSync(directory, 0o700);
    rmSync(directory, { recursive: true });
  }
});
