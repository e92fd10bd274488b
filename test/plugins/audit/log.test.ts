// The log while it is written: what waits goes together and in order, files follow each other, and who appends is told
// when the entry is on disk and not before.
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readCheckpoint } from '../../../plugins/audit/checkpoint.ts';
import { checkpointsOf, lastVouched } from '../../../plugins/audit/keeping.ts';
import { LogUnavailable } from '../../../plugins/audit/log.ts';
import { isSignedBy, readNote } from '../../../plugins/audit/note.ts';
import { fileDigest, segmentsOf } from '../../../plugins/audit/segments.ts';
import { entriesOf } from '../../fixtures/audit/entries.ts';
import { fill, folders, ORIGIN, SIGNER } from '../../fixtures/audit/logs.ts';
import { wholeLog } from '../../fixtures/audit/whole.ts';

const folder = folders();

test('what comes at once goes in one write, in order, and is on disk when that is told', async () => {
  const it = folder();
  const commits: number[] = [];
  const log = await it.open({ batch: 100, onCommit: (entries) => void commits.push(entries.length) });
  await log.idle();
  commits.length = 0;
  const first = log.append({ type: 'test', n: -1 });
  const told = fill(log, 250).then((numbers) => [numbers, entriesOf(it.directory, 'test').length] as const);
  await first;
  const [numbers, onDisk] = await told;
  expect(numbers).toEqual(Array.from({ length: 250 }, (_, n) => n + 3));
  expect(onDisk).toBe(251);
  expect(commits).toEqual([100, 100, 51]);
  expect(entriesOf(it.directory, 'test').map(({ n }) => n)).toEqual(
    Array.from({ length: 251 }, (_, n) => n - 1),
  );
  expect(wholeLog(it.directory, ORIGIN)).toBe(log.seq);
});

test('an entry has the time at which it was appended', async () => {
  const it = folder();
  const log = await it.open();
  const before = log.append({ type: 'test' });
  it.now += 60_000;
  await before;
  expect(entriesOf(it.directory, 'test')[0]?.ts).toBe('2026-11-20T12:00:00.000Z');
});

test('the queue has a bound; who waits for room gets it', async () => {
  const it = folder();
  const log = await it.open({ queue: 5, batch: 1 });
  await log.idle();
  const all = fill(log, 5);
  expect(log.isFull).toBe(true);
  expect(() => log.append({ type: 'test' })).toThrow(LogUnavailable);
  log.lose();
  await log.room();
  expect(log.isFull).toBe(false);
  await all;
  await log.append({ type: 'test' });
  expect(entriesOf(it.directory, 'gap')).toMatchObject([{ lost: 1 }]);
  log.tune({ ...log.options, queue: 100 });
  await fill(log, 50);
  expect(log.seq).toBe(1 + 5 + 1 + 1 + 50);
});

test('a file that is full is closed, and the next one says what it was', async () => {
  const it = folder();
  const log = await it.open({ segmentSize: 3_000, batch: 4 });
  await fill(log, 40);
  const files = segmentsOf(it.directory);
  expect(files.length).toBeGreaterThan(2);
  const openings = entriesOf(it.directory, 'segment');
  expect(openings.map(({ seq }) => seq)).toEqual(files.map(({ first }) => first));
  for (const [at, { name }] of files.slice(0, -1).entries()) {
    expect(openings[at + 1]).toMatchObject({ origin: ORIGIN, previous_file: fileDigest(it.directory, name) });
    expect(statSync(join(it.directory, name)).mode & 0o777).toBe(0o440);
  }
  expect(wholeLog(it.directory, ORIGIN)).toBe(log.seq);
});

test('checkpoints after so many entries, at the end of a file, and at the end of all', async () => {
  const it = folder();
  const log = await it.open({ checkpointEntries: 10, batch: 10 });
  await fill(log, 25);
  await log.idle();
  await log.close();
  const kept = checkpointsOf(it.directory);
  const sizes = kept.map((each) => (typeof each === 'string' ? each : each.checkpoint.size));
  expect(sizes).toEqual([11, 22, 28]);
  expect(it.said).toEqual(['checkpoint 11', 'checkpoint 22', 'checkpoint 28']);
  expect(lastVouched(it.directory)).toBe(28);
  const note = readNote(readFileSync(join(it.directory, 'checkpoint'), 'utf8'));
  expect([isSignedBy(note, SIGNER.verifier), readCheckpoint(note.text).size]).toEqual([true, 28]);
  expect(entriesOf(it.directory, 'checkpoint').map(({ size }) => size)).toEqual(sizes);
});

test('nothing follows a checkpoint of which nothing is new', async () => {
  const it = folder();
  const log = await it.open({ checkpointEvery: 1 });
  await log.append({ type: 'test' });
  it.now += 10;
  await log.append({ type: 'test' });
  await log.idle();
  await log.close();
  expect(entriesOf(it.directory).at(-1)?.type).toBe('checkpoint');
  const { seq } = log;
  await (await it.open()).close();
  expect(entriesOf(it.directory)).toHaveLength(seq);
});

test('without a key there are neither checkpoints nor a tree on disk', async () => {
  const it = folder();
  const log = await it.open({ signer: undefined, key: SIGNER, checkpointEntries: 1 });
  await fill(log, 300);
  await log.close();
  expect(readdirSync(it.directory).sort()).toEqual(['integrity.json', 'segment-0000000000000001.jsonl']);
});

test('nobody appends to one that is closed', async () => {
  const log = await folder().open();
  expect(await log.close()).toBe(0);
  expect(() => log.append({ type: 'test' })).toThrow('the log is closed');
});

test('an entry that cannot be written as JSON fails itself, and no other', async () => {
  const it = folder();
  const log = await it.open();
  const wrong = () => log.append({ type: 'test', half: 0.5 });
  const good = log.append({ type: 'test' });
  expect(wrong).toThrow('half is not a whole number');
  await good;
  expect(it.said).toEqual([]);
});
