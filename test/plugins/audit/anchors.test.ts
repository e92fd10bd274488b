// Anchors that notice when a log is not what it was: a witness, and a file elsewhere.
import { expect, test } from 'bun:test';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cosignerOf } from '../../../plugins/audit/anchors/cosignature.ts';
import { lastNote } from '../../../plugins/audit/anchors/evidence.ts';
import { fileAnchor, fileSchema } from '../../../plugins/audit/anchors/file.ts';
import { witnessAnchor, witnessSchema } from '../../../plugins/audit/anchors/witness.ts';
import type { DeliveryFault } from '../../../plugins/audit/delivery/fault.ts';
import type { SignedCheckpoint } from '../../../plugins/audit/delivery/newest.ts';
import { NewestCheckpoint } from '../../../plugins/audit/delivery/newest.ts';
import { readNote, type Verifier } from '../../../plugins/audit/note.ts';
import { copyOf, type WrittenLog, writeLog } from '../../fixtures/audit/log.ts';
import { sendOnce } from '../../fixtures/audit/outlet.ts';
import { receiver } from '../../fixtures/audit/receiver.ts';
import { startWitness, type Witness } from '../../fixtures/audit/witness.ts';

/** The checkpoint a log says is its newest. */
function newestOf(directory: string): SignedCheckpoint {
  const note = readFileSync(join(directory, 'checkpoint'), 'utf8');
  return new NewestCheckpoint(note).value as SignedCheckpoint;
}

const knownAs = ({ origin, signer }: WrittenLog) => new Map([[origin, [signer?.verifier as Verifier]]]);

function anchorTo(witness: Pick<Witness, 'url' | 'key'>, directory: string, more = {}) {
  const options = witnessSchema.parse({ kind: 'witness', url: witness.url, key: witness.key, ...more });
  return witnessAnchor(options, { directory, kept: join(directory, 'cosigned.jsonl'), now: () => 0 });
}

const faultOf = (sending: Promise<void>): Promise<DeliveryFault> =>
  sending.then(
    () => Promise.reject(new Error('it was taken')),
    (error: DeliveryFault) => error,
  );

/** A log that goes on from what is in a directory, with the same key. */
const grown = ({ pem, origin }: WrittenLog, directory: string, entries: number): Promise<WrittenLog> =>
  writeLog({ pem, origin, directory, entries });

test('a witness cosigns what continues what it saw, and the cosignature is kept', async () => {
  using log = await writeLog({ entries: 90 });
  await using witness = startWitness({ logs: knownAs(log) });
  const anchor = anchorTo(witness, log.directory);
  const first = newestOf(log.directory);
  await sendOnce(anchor, [first]);
  await grown(log, log.directory, 700);
  await sendOnce(anchor, [newestOf(log.directory)]);
  expect(witness.statuses).toEqual([200, 200]);
  expect(witness.latest.get(log.origin)?.size).toBe(newestOf(log.directory).size);
  const kept = readFileSync(join(log.directory, 'cosigned.jsonl'), 'utf8').trim().split('\n');
  const notes = kept.map((line) => readNote(JSON.parse(line).note));
  expect(notes.map((note) => cosignerOf(witness.key).timeOf(note))).toEqual([1_795_244_400, 1_795_244_400]);
  expect(notes[0]?.text).toBe(readNote(first.note).text);
  expect(notes[0]?.signatures.length).toBe(2);
});

test('after a restart it learns from the witness how far that is, and sends the proof from there', async () => {
  using log = await writeLog({ entries: 90 });
  await using witness = startWitness({ logs: knownAs(log) });
  await sendOnce(anchorTo(witness, log.directory), [newestOf(log.directory)]);
  await grown(log, log.directory, 300);
  await sendOnce(anchorTo(witness, log.directory), [newestOf(log.directory)]);
  expect(witness.statuses).toEqual([200, 409, 200]);
  await sendOnce(anchorTo(witness, log.directory), [newestOf(log.directory)]);
  expect(witness.statuses.slice(3)).toEqual([409, 200]);
});

test('a log that was put back to an old copy is refused: the witness has seen more', async () => {
  using log = await writeLog({ entries: 90 });
  const old = copyOf(log);
  await using witness = startWitness({ logs: knownAs(log) });
  await grown(log, log.directory, 300);
  await sendOnce(anchorTo(witness, log.directory), [newestOf(log.directory)]);
  const fault = await faultOf(sendOnce(anchorTo(witness, old), [newestOf(old)]));
  expect(fault.reason).toBe('rollback');
  expect(fault.message).toContain(`has seen ${newestOf(log.directory).size} entries`);
  rmSync(old, { recursive: true });
});

test('a log that went on otherwise from an old copy is refused, at the same size and beyond it', async () => {
  using log = await writeLog({ entries: 90 });
  await using witness = startWitness({ logs: knownAs(log) });
  await grown(log, log.directory, 300);
  await sendOnce(anchorTo(witness, log.directory), [newestOf(log.directory)]);
  for (const entries of [300, 900]) {
    using other = await writeLog({ pem: log.pem, entries: 90 });
    await grown(other, other.directory, entries);
    const fault = await faultOf(sendOnce(anchorTo(witness, other.directory), [newestOf(other.directory)]));
    expect(fault.reason).toBe('fork');
  }
  expect(witness.statuses).toContain(422);
  expect(witness.latest.get(log.origin)?.size).toBe(newestOf(log.directory).size);
});

test('a witness that does not know the log, or its key, says so', async () => {
  using log = await writeLog({ entries: 20 });
  using other = await writeLog({ entries: 20 });
  const newest = newestOf(log.directory);
  await using stranger = startWitness({ logs: new Map() });
  expect((await faultOf(sendOnce(anchorTo(stranger, log.directory), [newest]))).message).toContain('origin');
  await using confused = startWitness({ logs: knownAs(other) });
  expect((await faultOf(sendOnce(anchorTo(confused, log.directory), [newest]))).message).toContain('key');
});

test.each([
  ['no cosignature', 200, '', 'answer'],
  ['somebody else’s', 200, '— other.example/w AAAAAAAAAAA=\n', 'answer'],
  ['no size', 409, 'many\n', 'answer'],
  ['always another size', 409, '', 'answer'],
  ['trouble of its own', 500, '', 'status'],
  ['too many', 429, '', 'busy'],
])('a witness that answers with %s is asked again later', async (what, status, text, reason) => {
  using log = await writeLog({ entries: 20 });
  await using genuine = startWitness({ logs: knownAs(log) });
  await using server = receiver(
    (_, count) => new Response(what.startsWith('always') ? `${count}\n` : text, { status }),
  );
  const fault = await faultOf(
    sendOnce(anchorTo({ url: server.url, key: genuine.key }, log.directory), [newestOf(log.directory)]),
  );
  expect([fault.reason, fault.more.isFinal ?? false]).toEqual([reason as DeliveryFault['reason'], false]);
});

test('the key of a witness is one for cosignatures, and no other', async () => {
  using log = await writeLog({ entries: 20 });
  await using witness = startWitness({ logs: knownAs(log) });
  const { url } = witness;
  const isTaken = (key: string) => witnessSchema.safeParse({ kind: 'witness', url, key }).success;
  expect(isTaken(witness.key)).toBe(true);
  expect(isTaken(log.signer?.public ?? '')).toBe(false);
  expect(isTaken(witness.key.replace('w1', 'w2'))).toBe(false);
  expect(isTaken('witness')).toBe(false);
});

test('a cosignature whose time or text was changed is none', async () => {
  using log = await writeLog({ entries: 20 });
  await using witness = startWitness({ logs: knownAs(log) });
  await sendOnce(anchorTo(witness, log.directory), [newestOf(log.directory)]);
  const note = (await lastNote(join(log.directory, 'cosigned.jsonl'))) ?? '';
  const { timeOf, name } = cosignerOf(witness.key);
  expect([timeOf(readNote(note)), name]).toEqual([1_795_244_400, 'witness.example.com/w1']);
  const read = readNote(note);
  expect(timeOf({ ...read, text: `${read.text}more\n` })).toBeUndefined();
  const later = read.signatures.map(({ bytes, ...rest }) => {
    const changed = Uint8Array.from(bytes);
    changed[7] = (changed[7] ?? 0) ^ 1;
    return { ...rest, bytes: changed };
  });
  expect(timeOf({ ...read, signatures: later })).toBeUndefined();
});

function elsewhere(): { directory: string; path: string } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-elsewhere-'));
  return {
    directory,
    path: join(directory, 'kept'),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}

const fileTo = (path: string, directory: string) =>
  fileAnchor(fileSchema.parse({ kind: 'file', path }), directory);

test('a file elsewhere gets each checkpoint once, a line each', async () => {
  using log = await writeLog({ entries: 60 });
  using place = elsewhere();
  const anchor = fileTo(place.path, log.directory);
  const first = newestOf(log.directory);
  await sendOnce(anchor, [first]);
  await sendOnce(anchor, [first]);
  await grown(log, log.directory, 60);
  await sendOnce(anchor, [newestOf(log.directory)]);
  const lines = readFileSync(place.path, 'utf8').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).note)).toEqual([first.note, newestOf(log.directory).note]);
  expect(statSync(place.path).mode & 0o777).toBe(0o600);
});

test('a file elsewhere knows a log that was cut off, and one that was written anew', async () => {
  using log = await writeLog({ entries: 60 });
  using place = elsewhere();
  const old = copyOf(log);
  await grown(log, log.directory, 60);
  await sendOnce(fileTo(place.path, log.directory), [newestOf(log.directory)]);
  expect((await faultOf(sendOnce(fileTo(place.path, old), [newestOf(old)]))).reason).toBe('rollback');
  rmSync(old, { recursive: true });
  using other = await writeLog({ pem: log.pem, entries: 500 });
  expect(
    (await faultOf(sendOnce(fileTo(place.path, other.directory), [newestOf(other.directory)]))).reason,
  ).toBe('fork');
  expect(readFileSync(place.path, 'utf8').trim().split('\n').length).toBe(1);
});

test('several logs share a file, and each continues its own; a torn line is nobody’s', async () => {
  using one = await writeLog({ entries: 30, origin: 'gw.example.com/1' });
  using two = await writeLog({ entries: 40, origin: 'gw.example.com/2' });
  using place = elsewhere();
  for (const log of [one, two]) await sendOnce(fileTo(place.path, log.directory), [newestOf(log.directory)]);
  appendFileSync(place.path, '{"note":"gw.exam');
  const old = mkdtempSync(join(tmpdir(), 'sluice-old-'));
  cpSync(one.directory, old, { recursive: true });
  await grown(one, one.directory, 30);
  await sendOnce(fileTo(place.path, one.directory), [newestOf(one.directory)]);
  expect((await faultOf(sendOnce(fileTo(place.path, old), [newestOf(old)]))).reason).toBe('rollback');
  rmSync(old, { recursive: true });
});

test('a place where nothing can be written is a fault that says so', async () => {
  using log = await writeLog({ entries: 20 });
  using place = elsewhere();
  writeFileSync(join(place.directory, 'taken'), '');
  const wrong = await faultOf(
    sendOnce(fileTo(join(place.directory, 'taken', 'kept'), log.directory), [newestOf(log.directory)]),
  );
  expect((wrong as unknown as NodeJS.ErrnoException).code).toBe('ENOTDIR');
});
