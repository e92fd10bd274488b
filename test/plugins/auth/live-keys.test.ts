// The key file beside a gateway that runs: seen at the next use, harmless when it is bad, and streams end with keys.
import { afterEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintKey, revokeKey } from '../../../plugins/auth/key-file.ts';
import { LiveKeys } from '../../../plugins/auth/live-keys.ts';
import { recordingLog } from '../../../src/testing/host.ts';
import type { Line } from '../../fixtures/in-process.ts';

const undo: (() => void)[] = [];
afterEach(() => {
  for (const each of undo.splice(0).reverse()) each();
});

function place() {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-live-'));
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'api-keys.json');
  const lines: Line[] = [];
  const clock = { now: 1_800_000_000_000 };
  const replaced = new AbortController();
  const open = (): LiveKeys => {
    const live = new LiveKeys(file, recordingLog(lines), () => clock.now);
    undo.push(() => live.close());
    live.inForce.enter({ replaced: replaced.signal });
    return live;
  };
  const mint = (principal = 'ada') => mintKey(file, { principal, scopes: [], groups: [] }, clock.now).entry;
  return { file, lines, clock, replaced, open, mint, revoke: (id: string) => revokeKey(file, id, clock.now) };
}

test('a key is there as soon as it is made, and ends as soon as it is ended', () => {
  const { open, mint, revoke } = place();
  const live = open();
  const { id } = mint();
  expect(live.isKnown).toBe(true);
  expect(live.find(id)?.entry.revoked).toBeUndefined();
  revoke(id);
  expect(live.isKnown).toBe(true);
  expect(live.find(id)?.entry.revoked).toBeString();
});

test('a change that keeps file, size and time of the last one is seen', () => {
  const { file, open, mint } = place();
  const first = mint();
  const live = open();
  const other = { ...first, principal: 'eve' };
  utimesSync(file, 1_000, 1_000);
  expect(live.isKnown).toBe(true);
  writeFileSync(file, `${JSON.stringify({ version: 1, keys: [other] }, null, 2)}\n`);
  utimesSync(file, 1_000, 1_000);
  expect(live.isKnown).toBe(true);
  expect(live.find(first.id)?.entry.principal).toBe('eve');
});

test('a gateway does not begin with a bad file', () => {
  const { file, open } = place();
  writeFileSync(file, 'oh no', { mode: 0o600 });
  expect(open).toThrow(/is not JSON/);
});

test('while a file is bad nobody knows its keys; it is told once, and tried again', () => {
  const { file, lines, clock, open, mint } = place();
  const { id } = mint();
  const live = open();
  writeFileSync(file, 'oh no');
  expect([live.isKnown, live.isKnown]).toEqual([false, false]);
  clock.now += 60_000;
  expect(live.isKnown).toBe(false);
  expect(lines.map(({ level, message }) => [level, message])).toEqual([
    ['error', 'API keys cannot be read, so none is accepted'],
  ]);
  rmSync(file);
  // No file is no keys: whoever took it away wanted that.
  expect(live.isKnown).toBe(true);
  expect(live.find(id)).toBeUndefined();
  mint();
  expect(live.isKnown).toBe(true);
  expect(lines.map(({ level }) => level)).toEqual(['error', 'info']);
});

test('what is proven by a key ends when that is revoked, changed or gone, and not with any other', () => {
  const { file, open, mint, revoke } = place();
  const [a, b, c] = [mint('a'), mint('b'), mint('c')];
  const live = open();
  const ends = [a, b, c].map((key) => live.ends(key));
  const ended = () => live.isKnown && ends.map(({ aborted }) => aborted);
  expect(live.ends(a)).toBe(ends[0] as AbortSignal);
  expect(ended()).toEqual([false, false, false]);
  revoke(a.id);
  expect(ended()).toEqual([true, false, false]);
  const changed = { ...b, scopes: ['less'] };
  writeFileSync(file, JSON.stringify({ version: 1, keys: [changed, c] }));
  expect(ended()).toEqual([true, true, false]);
  expect(live.ends(changed).aborted).toBe(false);
  writeFileSync(file, 'oh no');
  expect(ended()).toBe(false);
  expect(ends[2]?.aborted).toBe(false);
  rmSync(file);
  expect(ended()).toEqual([true, true, true]);
});

test('what its keys have proven ends with the last entry that goes by it, and is proven anew when one comes back', () => {
  const { open, mint, replaced } = place();
  const key = mint();
  const live = open();
  const later = new AbortController();
  live.inForce.enter({ replaced: later.signal });
  const ends = live.ends(key);
  replaced.abort();
  expect(ends.aborted).toBe(false);
  later.abort();
  expect(ends.aborted).toBe(true);
  // By a call that is still at work on an entry of before.
  expect(live.ends(key).aborted).toBe(true);
  live.inForce.enter({ replaced: new AbortController().signal });
  expect(live.ends(key).aborted).toBe(false);
});
