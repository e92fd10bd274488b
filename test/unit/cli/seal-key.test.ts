// The key file: made once, read again, and refused when it is not one to trust.
import { afterEach, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSealKey, SEAL_KEY_FILE } from '../../../src/cli/seal-key.ts';

const made: string[] = [];
const onWindows = process.platform === 'win32';

function dir(): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-key-'));
  made.push(path);
  return path;
}

afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

test('a new key is 32 bytes that only their owner can read, and stays', () => {
  const state = join(dir(), 'deep', 'state');
  const key = readSealKey(state);
  expect(key).toHaveLength(32);
  expect(readSealKey(state)).toEqual(key);
  expect(readdirSync(state)).toEqual([SEAL_KEY_FILE]);
  if (onWindows) return;
  expect(statSync(join(state, SEAL_KEY_FILE)).mode & 0o777).toBe(0o600);
  expect(statSync(state).mode & 0o777).toBe(0o700);
});

test('two directories have two keys', () => {
  expect(readSealKey(dir())).not.toEqual(readSealKey(dir()));
});

test('processes that start together get the same key', async () => {
  const state = join(dir(), 'state');
  const code = `import { readSealKey } from ${JSON.stringify(join(import.meta.dir, '../../../src/cli/seal-key.ts'))};
    process.stdout.write(Buffer.from(readSealKey(process.argv[1])).toString('hex'));`;
  const children = Array.from({ length: 6 }, () =>
    Bun.spawn([process.execPath, '-e', code, state], { stdout: 'pipe', stderr: 'inherit' }),
  );
  const keys = await Promise.all(children.map((child) => child.stdout.text()));
  expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(new Set(keys).size).toBe(1);
  expect(readdirSync(state)).toEqual([SEAL_KEY_FILE]);
});

for (const mode of [0o644, 0o640, 0o604, 0o660]) {
  test.skipIf(onWindows)(`mode ${mode.toString(8)} is refused, with what to do`, () => {
    const state = dir();
    readSealKey(state);
    const file = join(state, SEAL_KEY_FILE);
    chmodSync(file, mode);
    expect(() => readSealKey(state)).toThrow(
      expect.objectContaining({
        exit: 1,
        message: `${file} is open to others (mode 0${mode.toString(8)})`,
        hint: `chmod 600 ${file}`,
      }),
    );
  });
}

for (const length of [0, 16, 31, 33]) {
  test(`a file of ${length} bytes is no key, and is left as it is`, () => {
    const state = dir();
    const file = join(state, SEAL_KEY_FILE);
    writeFileSync(file, Buffer.alloc(length, 1), { mode: 0o600 });
    expect(() => readSealKey(state)).toThrow(`${file} has ${length} bytes, and a key has 32`);
    expect(statSync(file).size).toBe(length);
  });
}

test('a directory in its place is refused', () => {
  const state = dir();
  mkdirSync(join(state, SEAL_KEY_FILE), { mode: 0o700 });
  expect(() => readSealKey(state)).toThrow(expect.objectContaining({ exit: 1 }));
});

test('where no directory can be made, it says so', () => {
  const file = join(dir(), 'file');
  writeFileSync(file, '');
  expect(() => readSealKey(join(file, 'state'))).toThrow(/^cannot keep a key in .*: E/);
});
