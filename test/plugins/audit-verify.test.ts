// What a verifier says of logs that are whole, and of what is more than damage: other keys, files moved away, lines
// written otherwise.
import { expect, test } from 'bun:test';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { checkBeside } from '../../plugins/audit/beside.ts';
import { canonical } from '../../plugins/audit/canonical.ts';
import { makeEntry } from '../../plugins/audit/entry.ts';
import { newKey, signerOf, verifierOf } from '../../plugins/audit/note.ts';
import { openLog } from '../../plugins/audit/open-log.ts';
import { segmentsOf } from '../../plugins/audit/segments.ts';
import { readState } from '../../plugins/audit/state.ts';
import { isCanonical } from '../../plugins/audit/strict.ts';
import { auditLog } from '../../plugins/audit/tools/audit-log.ts';
import { Verification, verifyLog } from '../../plugins/audit/verify.ts';
import { copyOf, filesOf, optionsFor, writeLog } from '../fixtures/audit/log.ts';
import { askPython, python } from '../fixtures/audit/python.ts';
import { startWitness } from '../fixtures/audit/witness.ts';

const keyOf = (log: { signer: { public: string } | undefined }): string => log.signer?.public ?? '';

test('lines are taken as the log writes them, and no other way', () => {
  const sound = [
    { a: 'x', b: 1, c: true, d: false, e: -5, f: 0 },
    { text: 'é "quoted" \\ \n \u0001 \u2028 \u{1f600}', z: '' },
    { 'arg.name': '{"nested":"as text"}', n: Number.MAX_SAFE_INTEGER },
  ];
  for (const each of sound) expect(isCanonical(Buffer.from(canonical(each)))).toBe(true);
  const wrong = [
    ...['{"b":1,"a":1}', '{"a":1,"a":1}', '{"a": 1}', '{"a":1,}', '{}', '{"a":1}x', '["a"]', '{"a":[1]}'],
    ...[
      '{"a":{"b":1}}',
      '{"a":null}',
      '{"a":1.5}',
      '{"a":1e3}',
      '{"a":01}',
      '{"a":-0}',
      '{"a":+1}',
      '{"a":}',
    ],
    ...['{"a":9007199254740993}', '{"a":"\\u0041"}', '{"a":"\\/"}', '{"a":"\\u001F"}', '{"a":"x}', '{"a"1}'],
    ...['{"a":"\t"}', '{"a":tru}', '{a:1}', '', '{', '{"a":1', '{"é":1,"a":2}', '{"ab":1,"a":2}'],
  ];
  for (const each of wrong) expect([each, isCanonical(Buffer.from(each))]).toEqual([each, false]);
  expect(isCanonical(Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]))).toBe(false);
});

test('a line that is written otherwise is no entry, though its hash is right', async () => {
  using log = await writeLog({ entries: 10, isSigned: false });
  const file = join(log.directory, 'segment-0000000000000001.jsonl');
  const lines = readFileSync(file, 'utf8').split('\n');
  const { entry_hash: _, prev_hash: previous, ...fields } = JSON.parse(lines[4] ?? '');
  const { line } = makeEntry({ ...fields, name: 'same' }, 5, Buffer.from(previous, 'hex'));
  const spaced = line.replace('"name":"same"', '"name": "same"');
  const unhashed = spaced.replace(/"entry_hash":"[0-9a-f]{64}",/, '');
  const hash = Bun.CryptoHasher.hash('sha256', unhashed, 'hex');
  lines[4] = spaced.replace(/"entry_hash":"[0-9a-f]{64}"/, `"entry_hash":"${hash}"`);
  writeFileSync(file, lines.join('\n'));
  expect(verifyLog(log.directory)).toMatchObject({ findings: [{ seq: 5, kind: 'syntax' }] });
  if (python !== null) expect(askPython(log.directory).first).toEqual({ seq: 5, kind: 'syntax' });
});

test('the line that is being written is no tampering, and is told', async () => {
  using log = await writeLog({ entries: 30 });
  const last =
    readdirSync(log.directory)
      .filter((name) => name.startsWith('segment-'))
      .sort()
      .at(-1) ?? '';
  appendFileSync(join(log.directory, last), '{"args_digest":"12');
  const report = verifyLog(log.directory, { key: log.signer?.verifier });
  expect(report.verdict).toBe('passed');
  expect(report.notes).toEqual([expect.stringContaining('is not whole: it is being written, or was')]);
  if (python !== null) expect(askPython(log.directory, ['--key', keyOf(log)])).toMatchObject({ code: 0 });
});

test('a checkpoint that is written during the look is judged by the next one', async () => {
  using log = await writeLog({ entries: 60 });
  const state = readState(log.directory);
  const run = new Verification(
    log.directory,
    { key: log.signer?.verifier },
    segmentsOf(log.directory),
    state,
  );
  run.run();
  const [size, text] = [run.entries, `${log.origin}\n${run.entries}\n${run.tree.root().toBase64()}\n`];
  const line = (each: string): string =>
    `${JSON.stringify({ note: `${each}\n${log.signer?.sign(each)}` })}\n`;
  const later = text.replace(`\n${size}\n`, `\n${size + 9}\n`);
  appendFileSync(join(log.directory, 'checkpoints.jsonl'), line(text) + line(later));
  checkBeside(run, {});
  run.vouchers.close();
  expect(run.findings).toEqual([]);
});

test('a log that somebody else made and signed does not pass with the key of the first', async () => {
  using log = await writeLog({ entries: 60 });
  using other = await writeLog({ entries: 60 });
  const key = log.signer?.verifier;
  expect(verifyLog(other.directory, { key })).toMatchObject({
    verdict: 'tampered',
    findings: [{ kind: 'checkpoint_signature' }],
    signed: { upTo: 0 },
  });
  if (python !== null) expect(askPython(other.directory, ['--key', keyOf(log)])).toMatchObject({ code: 1 });
  using plain = await writeLog({ entries: 60, isSigned: false });
  expect(verifyLog(plain.directory, { key })).toMatchObject({
    verdict: 'tampered',
    findings: [{ kind: 'state' }],
  });
});

test('a key that a checkpoint of the old one covers signs on', async () => {
  using log = await writeLog({ entries: 30 });
  const second = newKey();
  const signer = signerOf(log.origin, second);
  const old = await openLog(optionsFor(log.directory, {}, log.signer));
  await old.append({ type: 'key', key: signer.public });
  await old.close();
  const state = readFileSync(join(log.directory, 'integrity.json'), 'utf8').split('\n')[0] ?? '';
  writeFileSync(join(log.directory, 'integrity.json'), `${state}\n\n${signer.sign(`${state}\n`)}`);
  using _ = await writeLog({ directory: log.directory, pem: second, entries: 40 });
  const first = verifyLog(log.directory, { key: log.signer?.verifier });
  expect(first).toMatchObject({ verdict: 'passed', findings: [], signed: { upTo: first.last - 1 } });
  expect(verifyLog(log.directory, { key: signer.verifier })).toMatchObject({ verdict: 'passed' });
  expect(verifyLog(log.directory)).toMatchObject({ verdict: 'passed' });
  if (python !== null) expect(askPython(log.directory, ['--key', keyOf(log)])).toMatchObject({ code: 0 });
  const third = verifierOf(signerOf(log.origin, newKey()).public);
  expect(verifyLog(log.directory, { key: third })).toMatchObject({ verdict: 'tampered' });
});

test('what is left of a log whose first files were moved away is judged from there', async () => {
  using log = await writeLog({ entries: 200 });
  const key = log.signer?.verifier;
  const whole = verifyLog(log.directory, { key });
  const names = readdirSync(log.directory)
    .filter((name) => name.startsWith('segment-'))
    .sort();
  mkdirSync(join(log.directory, 'old'));
  for (const name of names.slice(0, 3))
    renameSync(join(log.directory, name), join(log.directory, 'old', name));
  expect(verifyLog(log.directory, { key })).toMatchObject({
    findings: [{ seq: 1, kind: 'segment_missing' }],
  });
  const rest = verifyLog(log.directory, { key, from: 100 });
  expect(rest).toMatchObject({ verdict: 'passed', last: whole.last, signed: whole.signed, notes: [] });
  expect(rest.first).toBeGreaterThan(1);
  rmSync(join(log.directory, 'tile'), { recursive: true });
  expect(verifyLog(log.directory, { key, from: 100 })).toMatchObject({
    notes: [expect.stringContaining('no checkpoint could be compared')],
  });
});

test('a state that is kept elsewhere is not missed here, where the log says so', async () => {
  using log = await writeLog({ entries: 20, isSigned: false });
  rmSync(join(log.directory, 'integrity.json'));
  expect(verifyLog(log.directory)).toMatchObject({ findings: [{ kind: 'state' }] });
  using told = await writeLog({ entries: 0, isSigned: false });
  const file = join(told.directory, 'segment-0000000000000001.jsonl');
  const { entry_hash: _, prev_hash: previous, seq, ...fields } = JSON.parse(readFileSync(file, 'utf8'));
  const { line } = makeEntry({ ...fields, state: 'redis' }, seq, Buffer.from(previous, 'hex'));
  rmSync(file);
  writeFileSync(file, `${line}\n`);
  rmSync(join(told.directory, 'integrity.json'));
  expect(verifyLog(told.directory)).toMatchObject({
    verdict: 'passed',
    notes: ['the state is kept elsewhere (redis), and was not looked at'],
  });
  if (python !== null) expect(askPython(told.directory)).toMatchObject({ code: 0 });
});

test('an entry is proved without the tree on disk, too', async () => {
  using log = await writeLog({ entries: 300 });
  const copy = copyOf(log);
  rmSync(join(copy, 'tile'), { recursive: true });
  const [one, other] = [await auditLog.prove(log.directory, 200), await auditLog.prove(copy, 200)];
  expect(other.proof).toBe(one.proof);
  expect(auditLog.checkProof(one.proof, undefined, keyOf(log)).verdict).toBe('passed');
  rmSync(copy, { recursive: true });
});

test('a log whose entries were all taken away is one that was cut off', async () => {
  using log = await writeLog({ entries: 60 });
  const names = readdirSync(log.directory).filter((name) => name.startsWith('segment-'));
  for (const name of names) rmSync(join(log.directory, name));
  for (const key of [log.signer?.verifier, undefined]) {
    const report = verifyLog(log.directory, { key });
    expect(report).toMatchObject({ verdict: 'tampered', origin: log.origin });
    expect(report.findings.map(({ seq, kind }) => [seq, kind])).toEqual([
      [1, 'truncated'],
      [1, 'truncated'],
    ]);
  }
  if (python === null) return;
  expect(askPython(log.directory, ['--key', keyOf(log)]).first).toEqual({ seq: 1, kind: 'truncated' });
  expect(askPython(log.directory).first).toEqual({ seq: 1, kind: 'truncated' });
});

test('what the log says itself of what is missing stands below what passes', async () => {
  using log = await writeLog({ entries: 20 });
  const open = await openLog(optionsFor(log.directory, {}, log.signer));
  await open.append({ type: 'gap', lost: 150 });
  await open.append({ type: 'gap', lost: 4 });
  await open.append({ type: 'incident', kind: 'segment', detail: 'a file was taken away' });
  await open.close();
  const { verdict, text, json } = auditLog.verify([log.directory], {
    keys: [keyOf(log)],
    anchors: new Map(),
    witnesses: [],
    requireAnchor: false,
  });
  expect(verdict).toBe('passed');
  expect(text).toContain('LOST: 154 entries found no room and were not written, as the log says');
  expect(text).toMatch(/INCIDENT at entry \d+: a file was taken away/);
  expect(json).toMatchObject({ logs: [{ lost: 154, incidents: 1 }] });
});

test('whatever is wrong with a file, a look ends and says so', async () => {
  using log = await writeLog({ entries: 60 });
  const junk = [
    Buffer.alloc(0),
    Buffer.from('\n'),
    Buffer.from('{}\n'),
    Buffer.from('null\n'),
    Buffer.alloc(70_000, 0x61),
  ];
  for (const name of filesOf(log.directory).keys())
    for (const bytes of junk) {
      const copy = copyOf(log);
      rmSync(join(copy, name));
      writeFileSync(join(copy, name), bytes);
      expect([name, verifyLog(copy, { key: log.signer?.verifier }).verdict]).toEqual([name, 'tampered']);
      rmSync(copy, { recursive: true });
    }
});

test('what a witness cosigned counts as kept elsewhere, wherever it lies', async () => {
  using log = await writeLog({ entries: 60 });
  using other = await writeLog({ entries: 60, pem: log.pem });
  await using witness = startWitness({
    logs: new Map([[log.origin, log.signer ? [log.signer.verifier] : []]]),
  });
  const note = readFileSync(join(log.directory, 'checkpoint'), 'utf8');
  const body = `old 0\n\n${note}`;
  const cosigned = await (await fetch(`${witness.url}/add-checkpoint`, { method: 'POST', body })).text();
  for (const { directory } of [log, other]) {
    mkdirSync(join(directory, 'anchors'));
    const line = JSON.stringify({ note: note + cosigned });
    writeFileSync(join(directory, 'anchors', 'witness.jsonl'), `${line}\n`);
  }
  const given = { keys: [keyOf(log)], anchors: new Map(), witnesses: [witness.key], requireAnchor: true };
  const told = auditLog.verify([log.directory], given);
  expect(told.verdict).toBe('passed');
  expect(told.text).toContain('by witness witness.example.com/w1, in anchors/witness.jsonl');
  // Whoever has the key can make another log; the witness has seen this one.
  const foreign = auditLog.verify([other.directory], given);
  expect(foreign.verdict).toBe('tampered');
  expect(foreign.text).toContain('anchor: the entries up to');
  await using stranger = startWitness({ logs: new Map() });
  const nobody = { ...given, witnesses: [stranger.key] };
  expect(() => auditLog.verify([log.directory], nobody)).toThrow('is cosigned by the witness');
});
