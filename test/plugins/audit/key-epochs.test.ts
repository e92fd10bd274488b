// Keys that take over from each other: the log names them, the old one vouches, and is gone; whatever ends in between.
import { expect, test } from 'bun:test';
import { mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Harness, testPlugin } from 'sluice/testing';
import { checkpointsOf } from '../../../plugins/audit/keeping.ts';
import { readKey } from '../../../plugins/audit/key.ts';
import { prepareKey, takeOver } from '../../../plugins/audit/next-key.ts';
import { isSignedBy, newKey, type Verifier } from '../../../plugins/audit/note.ts';
import { openLog } from '../../../plugins/audit/open-log.ts';
import { segmentsOf } from '../../../plugins/audit/segments.ts';
import { verifyLog } from '../../../plugins/audit/verify.ts';
import audit from '../../../plugins/audit.ts';
import { optionsFor } from '../../fixtures/audit/log.ts';
import { until } from '../../fixtures/until.ts';

const origin = 'gw.example.com/1';
const HOUR = 3_600_000;

function place() {
  const stateDir = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
  const [log, keyFile] = [join(stateDir, 'audit'), join(stateDir, 'audit.key')];
  const text = () =>
    segmentsOf(log)
      .map(({ name }) => readFileSync(join(log, name), 'utf8'))
      .join('');
  const verifier = (): Verifier => readKey(keyFile, origin).signer.verifier;
  return {
    stateDir,
    log,
    keyFile,
    text,
    verifier,
    [Symbol.dispose]: () => rmSync(stateDir, { recursive: true }),
  };
}

const started = (stateDir: string, key: object, more: object = {}): Promise<Harness> =>
  testPlugin(audit, { origin, key, ...more } as never, { stateDir });
const call = (gateway: Harness) =>
  gateway.call({ method: 'tools/call', params: { name: 'search', arguments: {} } });
const changes = (gateway: Harness) => gateway.counts.get('keys') ?? 0;

test('a key that is old is exchanged; who verifies follows from the first one', async () => {
  using at = place();
  const gateway = await started(at.stateDir, { rotate: '3h' });
  await call(gateway);
  const first = at.verifier();
  await gateway.advance(2 * HOUR);
  expect(changes(gateway)).toBe(0);
  await gateway.advance(HOUR + 60_000);
  await until(() => changes(gateway) === 1);
  await call(gateway);
  await gateway.advance(4 * HOUR);
  await until(() => changes(gateway) === 2);
  await call(gateway);
  await gateway.dispose();
  const last = at.verifier();
  expect(last.id).not.toBe(first.id);
  const report = verifyLog(at.log, { key: first });
  expect([report.verdict, report.findings]).toEqual(['passed', []]);
  // The old key has signed that the new one is named, and nothing after.
  const notes = checkpointsOf(at.log).flatMap((each) => (typeof each === 'string' ? [] : [each]));
  const byFirst = notes.filter(({ note }) => isSignedBy(note, first));
  const named =
    at
      .text()
      .split('\n')
      .findIndex((line) => line.includes('"type":"key"')) + 1;
  expect(byFirst.at(-1)?.checkpoint.size).toBe(named);
  expect(isSignedBy(notes.at(-1)?.note as never, last)).toBe(true);
  expect(gateway.log.filter(({ message }) => message === 'another key signs the audit log').length).toBe(2);
});

test('who made a log again with the key of now is found out by the key of then', async () => {
  using at = place();
  const gateway = await started(at.stateDir, { rotate: '3h' });
  await call(gateway);
  const first = at.verifier();
  await gateway.advance(4 * HOUR);
  await until(() => changes(gateway) === 1);
  await gateway.dispose();
  const { signer } = readKey(at.keyFile, origin);
  rmSync(at.log, { recursive: true });
  const forged = await openLog(optionsFor(at.log, { origin }, signer));
  await forged.append({ type: 'intent', method: 'tools/call' });
  await forged.close();
  // Nothing in it is signed by who is trusted.
  expect(verifyLog(at.log, { key: first }).signed.upTo).toBe(0);
});

test('a key is exchanged on demand by a reload, once, and the log goes on with it after a restart', async () => {
  using at = place();
  const gateway = await started(at.stateDir, {});
  await call(gateway);
  const first = at.verifier();
  const renew_before = new Date(gateway.now() + 1).toISOString();
  await gateway.advance(10);
  for (let n = 0; n < 2; n++) {
    await gateway.reload({ origin, key: { renew_before } });
    await call(gateway);
    await until(() => changes(gateway) === 1);
  }
  await gateway.dispose();
  const again = await started(at.stateDir, { renew_before });
  await call(again);
  await again.dispose();
  expect(changes(again)).toBe(0);
  expect(verifyLog(at.log, { key: first }).verdict).toBe('passed');
});

test('the old key is written over, the new one is for its owner alone, and names of principals stay', async () => {
  using at = place();
  const before = readKey(at.keyFile, origin);
  const text = readFileSync(at.keyFile, 'utf8');
  const held = openSync(at.keyFile, 'r');
  const next = await prepareKey(at.keyFile, before, origin, 0);
  await takeOver(at.keyFile);
  const old = Buffer.alloc(text.length);
  readSync(held, old, 0, old.length, 0);
  expect(old.equals(Buffer.alloc(text.length))).toBe(true);
  expect(statSync(at.keyFile).mode & 0o777).toBe(0o600);
  const now = readKey(at.keyFile, origin);
  expect(now.signer.public).toBe(next.signer.public);
  expect(now.signer.public).not.toBe(before.signer.public);
  expect(Buffer.from(now.naming).equals(Buffer.from(before.naming))).toBe(true);
  expect(now.former?.id).toBe(before.signer.verifier.id);
});

test.each(['before the log named it', 'before it took over', 'before it signed'])(
  'a process that ends %s leaves a log that opens',
  async (moment) => {
    using at = place();
    const before = readKey(at.keyFile, origin);
    const options = (key = before) => ({
      ...optionsFor(at.log, { origin }, key.signer),
      formerKey: key.former,
    });
    const log = await openLog(options());
    await log.append({ type: 'intent' });
    await log.idle();
    const next = await prepareKey(at.keyFile, before, origin, 0);
    const stop = Promise.reject(new Error('the process ends'));
    stop.catch(() => {});
    if (moment !== 'before the log named it') await log.changeKey(next.signer, () => stop).catch(() => {});
    if (moment === 'before it signed') await takeOver(at.keyFile);
    await log.close();
    const gateway = await started(at.stateDir, {}, { level: 2 });
    await call(gateway);
    await gateway.dispose();
    const isNew = moment === 'before it signed';
    expect(at.verifier().id).toBe((isNew ? next : before).signer.verifier.id);
    const { verdict, findings } = verifyLog(at.log, { key: before.signer.verifier });
    expect([verdict, findings]).toEqual(['passed', []]);
    expect(() => statSync(`${at.keyFile}.next`)).toThrow();
  },
);

test('what comes while nobody has looked yet is written all the same', async () => {
  using at = place();
  const log = await openLog(optionsFor(at.log, { origin }, readKey(at.keyFile, origin).signer));
  expect(await log.append({ type: 'intent' })).toBe(2);
  await log.close();
});

test('a key that cannot be exchanged signs on, and that is said', async () => {
  using at = place();
  const brought = join(at.stateDir, 'mounted', 'key.pem');
  const gateway = await started(at.stateDir, { file: brought, rotate: '3h' });
  await call(gateway);
  rmSync(join(at.stateDir, 'mounted'), { recursive: true });
  writeFileSync(join(at.stateDir, 'mounted'), 'no directory any more');
  await gateway.advance(4 * HOUR);
  await until(() => gateway.counts.has('failed{kind=key}'));
  expect((await call(gateway)).result?.kind).toBe('complete');
  await gateway.dispose();
  expect(verifyLog(at.log).verdict).toBe('passed');
});

test('a key that somebody brings is taken as it is', async () => {
  using at = place();
  writeFileSync(at.keyFile, newKey(), { mode: 0o600 });
  const { signer, made, former } = readKey(at.keyFile, origin);
  expect([Math.round(made), former]).toEqual([Math.round(statSync(at.keyFile).mtimeMs), undefined]);
  const gateway = await started(at.stateDir, {});
  await call(gateway);
  await gateway.dispose();
  expect(verifyLog(at.log, { key: signer.verifier }).verdict).toBe('passed');
});
