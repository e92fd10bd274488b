// Secrets encrypted in the state directory: what is told of a wrong key and of damage, and that nothing is lost by it.
import { afterEach, describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MasterKey, masterKey } from '../../../src/cli/master-key.ts';
import { changeSecretFile, readSecretFile, SECRET_FILE } from '../../../src/cli/secret-file.ts';

const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

function dir(): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-secrets-'));
  made.push(path);
  return path;
}

const keyIn = (path: string, env: Record<string, string> = {}) =>
  masterKey({ env }, path, { make: true }) as MasterKey;
const NOW = Date.UTC(2026, 10, 21);

function set(path: string, values: Record<string, string>, key = keyIn(path)): void {
  changeSecretFile(path, (file) => {
    for (const [name, value] of Object.entries(values)) file.seal(name, value, key, NOW);
  });
}

const textIn = (path: string): string => readFileSync(join(path, SECRET_FILE), 'utf8');

describe('a secret', () => {
  test('comes back as it was, and stands nowhere as it is', () => {
    const path = dir();
    const values = { a: 'canary-4711', 'b.c-d_e': 'two\nlines é 𝄞', f: 'x'.repeat(10_000) };
    set(path, values);
    const file = readSecretFile(path);
    expect(
      Object.fromEntries(Object.keys(values).map((name) => [name, file.open(name, keyIn(path))])),
    ).toEqual(values);
    expect([...file.names]).toEqual(Object.keys(values).map((name) => [name, '2026-11-21T00:00:00.000Z']));
    expect(file.open('none', keyIn(path))).toBeUndefined();
    expect(readdirSync(path).sort()).toEqual(['secrets.json', 'secrets.json.lock', 'secrets.key']);
    for (const name of readdirSync(path))
      expect(readFileSync(join(path, name), 'utf8')).not.toContain('canary');
    for (const name of readdirSync(path)) expect(statSync(join(path, name)).mode & 0o777).toBe(0o600);
  });

  test('has a nonce of its own each time, though its value is the same', () => {
    const path = dir();
    const seen = Array.from({ length: 50 }, () => {
      set(path, { a: 'same' });
      return JSON.parse(textIn(path)).secrets.a;
    });
    expect(new Set(seen.map(({ nonce }) => nonce)).size).toBe(50);
    expect(new Set(seen.map(({ sealed }) => sealed)).size).toBe(50);
  });

  test('is bound to its name: two that change places are found out', () => {
    const path = dir();
    set(path, { a: 'one', b: 'two' });
    const { secrets, ...rest } = JSON.parse(textIn(path));
    writeFileSync(
      join(path, SECRET_FILE),
      JSON.stringify({ ...rest, secrets: { a: secrets.b, b: secrets.b } }),
    );
    const file = readSecretFile(path);
    expect(file.open('b', keyIn(path))).toBe('two');
    expect(() => file.open('a', keyIn(path))).toThrow('secret "a" in');
  });

  test('every bit of it counts', () => {
    const path = dir();
    set(path, { a: 'value' });
    const whole = JSON.parse(textIn(path));
    for (const field of ['nonce', 'sealed'] as const) {
      const bytes = Buffer.from(whole.secrets.a[field], 'base64');
      for (let at = 0; at < bytes.length; at++) {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ 1;
        const a = { ...whole.secrets.a, [field]: flipped.toString('base64') };
        writeFileSync(join(path, SECRET_FILE), JSON.stringify({ ...whole, secrets: { a } }));
        expect(() => readSecretFile(path).open('a', keyIn(path))).toThrow('was changed after it was set');
      }
    }
  });
});

describe('with another key', () => {
  test('nothing is read or written, and both keys are named', () => {
    const path = dir();
    set(path, { a: 'value' });
    const before = textIn(path);
    const other = keyIn(path, { SLUICE_MASTER_KEY: randomBytes(32).toString('hex') });
    const told = `is encrypted with key ${keyIn(path).id}, and SLUICE_MASTER_KEY is key ${other.id}`;
    expect(() => readSecretFile(path).open('a', other)).toThrow(told);
    expect(() => set(path, { b: 'more' }, other)).toThrow(told);
    expect(() => readSecretFile(path).open('a', undefined)).toThrow('there is no key');
    expect(textIn(path)).toBe(before);
  });

  test('once nothing is left of the first one, the next begins', () => {
    const path = dir();
    set(path, { a: 'value' });
    expect(changeSecretFile(path, (file) => file.forget('a'))).toEqual({ file: true, keychain: false });
    const other = keyIn(path, { SLUICE_MASTER_KEY: randomBytes(32).toString('hex') });
    set(path, { b: 'more' }, other);
    expect(readSecretFile(path).open('b', other)).toBe('more');
  });
});

describe('a file that cannot be understood', () => {
  const key = 'sluice-secrets';
  const broken = [
    '',
    '{',
    '[]',
    '{"format":"other"}',
    `{"format":"${key}","version":2,"secrets":{},"keychain":[]}`,
  ];
  const entry = (secrets: object) => JSON.stringify({ format: key, version: 1, secrets, keychain: [] });
  const fields = { nonce: 'AAAAAAAAAAAAAAAA', sealed: 'AAAAAAAAAAAAAAAAAAAAAA==', set: '' };
  const entries = [
    { a: {} },
    { '../a': fields },
    { a: { ...fields, nonce: 'AAAA' } },
    { a: { ...fields, more: 1 } },
  ];

  test.each([...broken, ...entries.map(entry)])('%s', (text) => {
    const path = dir();
    writeFileSync(join(path, SECRET_FILE), text);
    expect(() => readSecretFile(path)).toThrow('is damaged, or of a later version');
    expect(() => set(path, { a: 'value' })).toThrow('is damaged, or of a later version');
    expect(textIn(path)).toBe(text);
    expect(
      readdirSync(path).filter((name) => name.startsWith('secrets.json.') && !name.endsWith('.lock')),
    ).toEqual([]);
  });
});

test('what fails within a change leaves the file as it was, and no lock', () => {
  const path = dir();
  set(path, { a: 'value' });
  const before = textIn(path);
  const failing = () =>
    changeSecretFile(path, (file) => {
      file.forget('a');
      throw new Error('no');
    });
  expect(failing).toThrow('no');
  expect(textIn(path)).toBe(before);
  set(path, { b: 'more' });
  expect([...readSecretFile(path).names.keys()]).toEqual(['a', 'b']);
});

test('processes that change it at once lose nothing of each other', async () => {
  const path = dir();
  const file = JSON.stringify(join(import.meta.dir, '../../../src/cli/secret-file.ts'));
  const keys = JSON.stringify(join(import.meta.dir, '../../../src/cli/master-key.ts'));
  const code = `import { changeSecretFile } from ${file}; import { masterKey } from ${keys};
    const [dir, own] = process.argv.slice(1);
    for (let at = 0; at < 10; at++) changeSecretFile(dir, (file) => file.seal(own + at, own, masterKey({ env: {} }, dir, { make: true }), 0));`;
  const names = ['a', 'b', 'c', 'd'];
  const children = names.map((name) =>
    Bun.spawn([process.execPath, '-e', code, path, name], { stderr: 'inherit' }),
  );
  expect(await Promise.all(children.map(({ exited }) => exited))).toEqual([0, 0, 0, 0]);
  const read = readSecretFile(path);
  expect(read.names.size).toBe(40);
  for (const name of names)
    for (let at = 0; at < 10; at++) expect(read.open(name + at, keyIn(path))).toBe(name);
});

describe('the key', () => {
  const bytes = randomBytes(32);
  const forms = ['hex', 'base64', 'base64url'] as const;

  test.each(forms)('as %s, from a variable or a file, with a line end or without', (form) => {
    const path = dir();
    const text = bytes.toString(form);
    const file = join(path, 'key');
    writeFileSync(file, `${text}\n`);
    const id = keyIn(path, { SLUICE_MASTER_KEY: text }).id;
    expect(keyIn(path, { SLUICE_MASTER_KEY_FILE: file }).id).toBe(id);
    expect(id).toBe(keyIn(path, { SLUICE_MASTER_KEY: bytes.toString('hex').toUpperCase() }).id);
    expect(existsSync(join(path, 'secrets.key'))).toBe(false);
  });

  const wrong = [
    bytes.subarray(1).toString('hex'),
    `${bytes.toString('hex')}0`,
    bytes.subarray(1).toString('base64'),
    Buffer.concat([bytes, bytes.subarray(0, 1)]).toString('base64'),
    ` ${bytes.toString('hex')}`,
    `${bytes.toString('base64')}\n\n`,
    'correct horse battery staple',
    '0'.repeat(64),
    Buffer.alloc(32, 7).toString('base64'),
  ];
  test.each(wrong)('is not %j, and what it was is not said', (text) => {
    const read = () => keyIn(dir(), { SLUICE_MASTER_KEY: text });
    expect(read).toThrow('SLUICE_MASTER_KEY is no key: it has to be 32 random bytes');
    expect(read).not.toThrow(text);
  });

  test('both at once, or a file that is not there, are told', () => {
    expect(() => keyIn(dir(), { SLUICE_MASTER_KEY: 'a', SLUICE_MASTER_KEY_FILE: 'b' })).toThrow(
      'are both set',
    );
    expect(() => keyIn(dir(), { SLUICE_MASTER_KEY_FILE: '/nowhere' })).toThrow(
      'cannot read SLUICE_MASTER_KEY_FILE',
    );
  });

  test('is made only where it is to be, and refused where others can read it', () => {
    const path = dir();
    expect(masterKey({ env: {} }, path, { make: false })).toBeUndefined();
    expect(readdirSync(path)).toEqual([]);
    expect(keyIn(path).id).toBe(keyIn(path).id);
    chmodSync(join(path, 'secrets.key'), 0o644);
    expect(() => keyIn(path)).toThrow('is open to others (mode 0644)');
  });
});
