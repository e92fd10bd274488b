// A disk that fails: nobody is told that something is written which is not, nothing that was told is lost, and the log
// goes on by itself.
import { expect, test } from 'bun:test';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Checkpoints, checkpointsOf } from '../../../plugins/audit/keeping.ts';
import { segmentsOf } from '../../../plugins/audit/segments.ts';
import { verifyLog } from '../../../plugins/audit/verify.ts';
import { entriesOf } from '../../fixtures/audit/entries.ts';
import { failingDisk } from '../../fixtures/audit/failing-disk.ts';
import { fill, folders, ORIGIN } from '../../fixtures/audit/logs.ts';
import { wholeLog } from '../../fixtures/audit/whole.ts';
import { until } from '../../fixtures/until.ts';

const folder = folders();
const disk = failingDisk();

test('one fsync that fails is not asked again: the entries go into another file, and nobody notices', async () => {
  const it = folder();
  const log = await it.open();
  await fill(log, 3);
  disk.fail('datasync', 'EIO', 1);
  const numbers = await fill(log, 2);
  expect([numbers.length, it.said]).toEqual([2, ['setback']]);
  expect(segmentsOf(it.directory)).toHaveLength(2);
  const [recovery] = entriesOf(it.directory, 'recovery');
  const torn = readFileSync(join(it.directory, String(recovery?.torn_file)));
  expect(recovery).toMatchObject({
    detail: 'EIO: it fails',
    last_seq: 4,
    last_file: 'segment-0000000000000001.jsonl',
    torn_bytes: torn.length,
    torn_sha256: new Bun.CryptoHasher('sha256').update(torn).digest('hex'),
  });
  expect(torn.toString().split('\n')).toHaveLength(3);
  expect(wholeLog(it.directory, ORIGIN)).toBe(log.seq);
});

test('a disk that takes a part of a write, and then nothing for a while', async () => {
  const it = folder();
  const log = await it.open();
  await fill(log, 3);
  disk.fail('write', 'ENOSPC', Number.POSITIVE_INFINITY, 20);
  const refused = await Promise.allSettled([log.append({ type: 'late', n: 1 })]);
  expect(refused[0]).toMatchObject({ status: 'rejected', reason: { reason: 'fault' } });
  await expect(log.append({ type: 'late', n: 2 })).rejects.toThrow('the log cannot be written');
  expect([it.said, log.waiting, String(log.fault)]).toEqual([
    ['setback', 'fault'],
    2,
    'Error: ENOSPC: it fails',
  ]);
  disk.heal();
  await until(() => log.fault === undefined && log.waiting === 0);
  // In order, as they were appended.
  expect(entriesOf(it.directory, 'late').map(({ n }) => n)).toEqual([1, 2]);
  expect(it.said).toEqual(['setback', 'fault', 'recovered']);
  await log.append({ type: 'test' });
  expect(wholeLog(it.directory, ORIGIN)).toBe(log.seq);
  expect(entriesOf(it.directory, 'recovery')).toHaveLength(1);
  await log.close();
  const again = await it.open();
  expect(again.seq).toBe(wholeLog(it.directory, ORIGIN));
});

test('a log that is closed while the disk fails says how much is missing', async () => {
  const it = folder();
  const log = await it.open();
  await log.idle();
  disk.fail('write', 'ENOSPC');
  await Promise.allSettled([log.append({ type: 'late' }), log.append({ type: 'late' })]);
  expect(await log.close()).toBe(2);
});

test('a state that cannot be written stops the log, and begins no file for each attempt', async () => {
  const it = folder();
  let isAway = false;
  let kept: string | undefined;
  const store = {
    place: 'file' as const,
    read: async () => kept,
    write: async (text: string) => {
      if (isAway) throw new Error('away');
      kept = text;
    },
    close() {},
  };
  const log = await it.open({ store, stateEvery: 0 });
  await fill(log, 2);
  isAway = true;
  await log.append({ type: 'test' });
  await until(() => log.fault !== undefined);
  expect(String(log.fault)).toContain('the state of the log: away');
  let tries = 0;
  await until(() => tries++ > 50);
  expect(segmentsOf(it.directory)).toHaveLength(1);
  isAway = false;
  await until(() => log.fault === undefined);
  await fill(log, 2);
  expect(wholeLog(it.directory, ORIGIN)).toBe(log.seq);
});

test('a checkpoint whose second file cannot be written is kept once, however often it is tried', async () => {
  const it = folder();
  const log = await it.open({ checkpointEntries: 3 });
  await log.idle();
  const inTheWay = join(it.directory, 'checkpoint.new');
  mkdirSync(inTheWay);
  await fill(log, 3);
  await until(() => log.fault !== undefined);
  const atFirst = log.fault;
  await until(() => log.fault !== atFirst);
  rmSync(inTheWay, { recursive: true });
  await until(() => log.fault === undefined);
  await fill(log, 3);
  await log.close();
  expect(verifyLog(it.directory)).toMatchObject({ verdict: 'passed', findings: [] });
});

test('a checkpoint that is written and perhaps not on disk is set aside, and written again', async () => {
  const it = folder();
  const checkpoints = new Checkpoints((await it.open()).options.directory);
  const note = `x\n1\n${Buffer.alloc(32).toString('base64')}\n\n— x ${Buffer.alloc(68).toString('base64')}\n`;
  disk.fail('datasync', 'EIO', 1);
  await expect(checkpoints.keep(note)).rejects.toThrow('EIO');
  await checkpoints.keep(note);
  await checkpoints.close();
  expect(checkpointsOf(it.directory)).toHaveLength(1);
  expect(readdirSync(it.directory).filter((name) => name.endsWith('.torn'))).toHaveLength(1);
});

test('a file that is taken away gets its name again, and the log says so', async () => {
  const it = folder();
  const log = await it.open();
  await fill(log, 5);
  const { segment } = log;
  rmSync(join(it.directory, segment));
  await fill(log, 2);
  expect(it.said).toEqual([`break ${segment} was taken away; what was written was put back`]);
  expect(entriesOf(it.directory, 'incident')).toMatchObject([{ file: segment, restored: true }]);
  expect(wholeLog(it.directory, ORIGIN)).toBe(log.seq);
});

test('a file in the place of the log’s own is kept beside it', async () => {
  const it = folder();
  const log = await it.open();
  await fill(log, 5);
  const path = join(it.directory, log.segment);
  writeFileSync(`${path}.other`, 'forged\n');
  renameSync(`${path}.other`, path);
  await fill(log, 2);
  const [incident] = entriesOf(it.directory, 'incident');
  expect(incident).toMatchObject({ restored: true, detail: expect.stringContaining('replaced') });
  expect(readFileSync(join(it.directory, String(incident?.foreign_file)), 'utf8')).toBe('forged\n');
  expect(wholeLog(it.directory, ORIGIN)).toBe(log.seq);
});

test('one that was changed before it was taken away is not put back', async () => {
  const it = folder();
  const log = await it.open();
  await fill(log, 5);
  const path = join(it.directory, log.segment);
  writeFileSync(path, readFileSync(path, 'utf8').replace('"n":2', '"n":9'));
  rmSync(path);
  await fill(log, 2);
  expect(it.said[0]).toEndWith('was taken away; what was written is lost');
  expect(entriesOf(it.directory, 'incident')).toMatchObject([{ restored: false }]);
  expect(readdirSync(it.directory).filter((name) => name.endsWith('.new'))).toEqual([]);
});
