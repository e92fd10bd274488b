// A log that was damaged, in whatever way, can be written again after a repair, says so for ever, and has lost no byte.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockLog } from '../../plugins/audit/lock.ts';
import { auditLog } from '../../plugins/audit/tools/audit-log.ts';
import { anchorOf, verifyLog } from '../../plugins/audit/verify.ts';
import { copyOf, filesOf, type WrittenLog, writeLog } from '../fixtures/audit/log.ts';
import { randomOf } from '../fixtures/audit/mutations.ts';
import { askPython, python } from '../fixtures/audit/python.ts';
import { ALL_KINDS, damage, sceneOf } from '../fixtures/audit/try-kinds.ts';

const scene = await sceneOf();
const { log, anchor } = scene.victim;
const place = mkdtempSync(join(tmpdir(), 'sluice-repair-'));
const keyFile = join(place, 'audit.key');
writeFileSync(keyFile, log.pem, { mode: 0o600 });
const key = log.signer?.public ?? '';
const given = { keys: [key], anchors: new Map(), witnesses: [] };
afterAll(() => {
  scene[Symbol.dispose]();
  rmSync(place, { recursive: true, force: true });
});

/**
 * What was in its files and is nowhere below it any more: as a whole, as the beginning of a file that has grown, or, of
 * the last checkpoint alone, among all of them.
 */
function lostFrom(before: ReadonlyMap<string, Buffer>, directory: string): string[] {
  const after = filesOf(directory);
  const all = [...after.values()];
  const notes = after.get('checkpoints.jsonl')?.toString('utf8') ?? '';
  const isThere = (bytes: Buffer): boolean =>
    all.some((each) => each.subarray(0, bytes.length).equals(bytes)) ||
    notes.includes(JSON.stringify({ note: bytes.toString('utf8') }));
  return [...before].flatMap(([name, bytes]) => (isThere(bytes) ? [] : [name]));
}

function copied(): WrittenLog {
  const directory = copyOf(log);
  return { ...log, directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

describe.each(ALL_KINDS)('%s', (kind) => {
  test('is repaired', async () => {
    using copy = copied();
    damage(scene, kind, randomOf(3), copy.directory);
    const before = filesOf(copy.directory);
    const told = await auditLog.repair(copy.directory, given, keyFile);
    expect(told).toMatchObject({ verdict: 'passed' });
    // A gateway goes on with it.
    using _ = await writeLog({ directory: copy.directory, pem: log.pem, entries: 40 });
    const report = verifyLog(copy.directory, scene.trust);
    expect(report).toMatchObject({ verdict: 'passed', findings: [] });
    expect(report.repairs).toHaveLength(1);
    if (python !== null) expect(askPython(copy.directory, ['--key', key])).toMatchObject({ code: 0 });
    expect(lostFrom(before, copy.directory)).toEqual([]);
  });
});

test('what was anchored elsewhere still tells of what a repair took out', async () => {
  using copy = copied();
  damage(scene, 'the log cut off behind an entry', randomOf(5), copy.directory);
  const told = await auditLog.repair(copy.directory, given, keyFile);
  const [repair] = verifyLog(copy.directory, scene.trust).repairs;
  expect(repair).toMatchObject({ kind: 'truncated', lostTo: scene.victim.last });
  expect(told.text).toContain(`REPAIRED at entry ${repair?.seq}`);
  const anchors = [anchorOf(anchor.toString('utf8'), 'elsewhere')];
  expect(verifyLog(copy.directory, { ...scene.trust, anchors })).toMatchObject({ verdict: 'tampered' });
});

test('checkpoints that are lost are signed anew, byte by byte', async () => {
  using copy = copied();
  damage(scene, 'a checkpoint rolled back', randomOf(1), copy.directory);
  const told = await auditLog.repair(copy.directory, given, keyFile);
  expect(told.verdict).toBe('passed');
  const kept = filesOf(copy.directory).get('checkpoints.jsonl')?.toString('utf8') ?? '';
  const written = scene.victim.files.get('checkpoints.jsonl')?.toString('utf8') ?? '-';
  expect(kept.startsWith(written)).toBe(true);
});

test('a plan changes nothing, and says what would leave the log', () => {
  using copy = copied();
  damage(scene, 'an entry deleted', randomOf(4), copy.directory);
  const before = filesOf(copy.directory);
  const plan = auditLog.plan(copy.directory, given);
  expect(plan.isWhole).toBe(false);
  expect(plan.json).toMatchObject({ needed: true, kind: 'sequence', lost_to: scene.victim.last });
  expect(filesOf(copy.directory)).toEqual(before);
});

test('a log that a gateway has open is not touched', async () => {
  using copy = copied();
  damage(scene, 'an entry deleted', randomOf(4), copy.directory);
  const unlock = lockLog(copy.directory);
  try {
    expect(auditLog.repair(copy.directory, given, keyFile)).rejects.toThrow('another process writes the log');
  } finally {
    unlock();
  }
});

test('a signed log is not repaired without its key, nor with another one', async () => {
  using copy = copied();
  damage(scene, 'the state taken away', randomOf(4), copy.directory);
  const keyless = auditLog.repair(copy.directory, given, undefined);
  expect(keyless).rejects.toThrow('its key is not at hand');
  using other = await writeLog({ entries: 1 });
  const file = join(place, 'other.key');
  writeFileSync(file, other.pem, { mode: 0o600 });
  const own = { ...given, keys: [] };
  expect(auditLog.repair(copy.directory, own, file)).rejects.toThrow('is not the one the log is signed with');
});

test('a log without its first files is not cut off', async () => {
  using copy = copied();
  rmSync(join(copy.directory, 'segment-0000000000000001.jsonl'));
  expect(() => auditLog.plan(copy.directory, given)).toThrow('the first files of the log are not there');
  expect(verifyLog(copy.directory, { ...scene.trust, from: 100 })).toMatchObject({
    verdict: 'passed',
    last: scene.victim.last,
  });
});

test('a log of level 0 is repaired without a key', async () => {
  using plain = await writeLog({ isSigned: false, entries: 100 });
  const [first = ''] = [...filesOf(plain.directory).keys()].filter((name) => name.startsWith('segment-'));
  const bytes = filesOf(plain.directory).get(first) ?? Buffer.alloc(0);
  bytes[bytes.indexOf('\n') + 40] = 0x21;
  rmSync(join(plain.directory, first));
  writeFileSync(join(plain.directory, first), bytes);
  expect(verifyLog(plain.directory)).toMatchObject({ findings: [{ seq: 2, kind: 'hash' }] });
  const told = await auditLog.repair(plain.directory, { ...given, keys: [] }, undefined);
  expect(told.verdict).toBe('passed');
  expect(verifyLog(plain.directory)).toMatchObject({ repairs: [{ lostFrom: 2, kind: 'hash' }] });
});
