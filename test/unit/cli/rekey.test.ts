// `sluice secrets rekey`: the same secrets under another key, whatever stops it in the middle.
import { afterEach, describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MasterKey, masterKey } from '../../../src/cli/master-key.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { changeSecretFile, readSecretFile, resealSecretFile } from '../../../src/cli/secret-file.ts';
import { type FakeShell, fakeShell } from '../../fixtures/shell.ts';

const VALUES = { api: 'canary-4711', 'b.c': 'two\nlines é' };

const shells: FakeShell[] = [];
afterEach(() => {
  for (const shell of shells.splice(0)) shell[Symbol.dispose]();
});

const newKey = (): string => randomBytes(32).toString('base64');

/** A state directory with two secrets, encrypted with the key of these variables. */
function place(env: Record<string, string> = {}) {
  const shell = fakeShell({ env });
  shells.push(shell);
  const dir = join(shell.dir, 'state', 'sluice');
  const key = masterKey(shell, dir, { make: true }) as MasterKey;
  changeSecretFile(dir, (file) => {
    for (const [name, value] of Object.entries(VALUES)) file.seal(name, value, key, 0);
  });
  const rekey = async (args = '', more: Record<string, string> = {}) => {
    const words = ['secrets', 'rekey', ...args.split(' ').filter(Boolean)];
    const own = { ...shell, env: { ...shell.env, ...more } };
    const code = await runProgram(own, words).catch(({ exit, message, hint }) => ({ exit, message, hint }));
    return { code, ...shell.said() };
  };
  const values = (more: Record<string, string> = {}) => {
    const file = readSecretFile(dir);
    const own = masterKey({ env: { ...env, ...more } }, dir, { make: false, id: file.key });
    return Object.fromEntries([...file.names.keys()].map((name) => [name, file.open(name, own)]));
  };
  return { shell, dir, key, rekey, values, path: (name: string) => join(dir, name) };
}

describe('a key beside the secrets', () => {
  test('is changed where it is, and nothing of the old one is left', async () => {
    const { dir, key, rekey, values, path } = place();
    const before = readFileSync(path('secrets.key'), 'utf8');
    const { code, out, err } = await rekey();
    const id = readSecretFile(dir).key;
    expect({ code, out, err }).toEqual({
      code: 0,
      out: `2 secrets are encrypted with key ${id} now, no longer with ${key.id}\n`,
      err: '',
    });
    expect(id).not.toBe(key.id);
    expect(values()).toEqual(VALUES);
    expect(readFileSync(path('secrets.key'), 'utf8')).not.toBe(before);
    expect(readdirSync(dir).sort()).toEqual(['secrets.json', 'secrets.json.lock', 'secrets.key']);
    expect(statSync(path('secrets.key')).mode & 0o777).toBe(0o600);
    expect(readSecretFile(dir).names.get('api')).toBe('1970-01-01T00:00:00.000Z');
  });

  test('stopped before anything was encrypted with the new one: it is used the next time', async () => {
    const { rekey, values, path } = place();
    writeFileSync(path('secrets.key.next'), `${newKey()}\n`, { mode: 0o600 });
    expect(values()).toEqual(VALUES);
    const next = readFileSync(path('secrets.key.next'), 'utf8');
    expect((await rekey()).code).toBe(0);
    expect(readFileSync(path('secrets.key'), 'utf8')).toBe(next);
    expect(values()).toEqual(VALUES);
  });

  test('stopped before the new one took its place: the secrets are read, and the next change ends the first', async () => {
    const { key, rekey, values, path, dir } = place();
    copyFileSync(path('secrets.key'), path('old'));
    expect((await rekey()).code).toBe(0);
    copyFileSync(path('secrets.key'), path('secrets.key.next'));
    copyFileSync(path('old'), path('secrets.key'));
    expect(values()).toEqual(VALUES);
    const second = readSecretFile(dir).key;
    expect((await rekey('--json')).out).toMatch(`"before":"${second}","secrets":2`);
    expect(values()).toEqual(VALUES);
    expect([key.id, second]).not.toContain(readSecretFile(dir).key as string);
    expect(existsSync(path('secrets.key.next'))).toBe(false);
  });

  test('moves elsewhere: the file is made, and none stays beside', async () => {
    const { shell, rekey, values, path } = place();
    const elsewhere = join(shell.dir, 'elsewhere.key');
    const { code, err } = await rekey(`--new-key-file ${elsewhere}`);
    expect({ code, err }).toEqual({
      code: 0,
      err: `start gateways with SLUICE_MASTER_KEY_FILE=${elsewhere} from now on\n`,
    });
    expect(existsSync(path('secrets.key'))).toBe(false);
    expect(statSync(elsewhere).mode & 0o777).toBe(0o600);
    expect(values({ SLUICE_MASTER_KEY_FILE: elsewhere })).toEqual(VALUES);
  });
});

describe('a key elsewhere', () => {
  test('in a variable: the next one is in another, and neither is told', async () => {
    const [old, next] = [newKey(), newKey()];
    const { rekey, values } = place({ SLUICE_MASTER_KEY: old });
    expect((await rekey()).code).toMatchObject({
      exit: 2,
      message: expect.stringContaining('SLUICE_MASTER_KEY, which cannot be changed from here'),
      hint: expect.stringContaining('SLUICE_NEW_MASTER_KEY'),
    });
    const said = await rekey('', { SLUICE_NEW_MASTER_KEY: next });
    expect(said).toMatchObject({
      code: 0,
      err: 'start gateways with this key as SLUICE_MASTER_KEY from now on\n',
    });
    expect(JSON.stringify(said)).not.toContain(next);
    expect(values({ SLUICE_MASTER_KEY: next })).toEqual(VALUES);
    expect(() => values()).toThrow('is encrypted with key');
  });

  test('in a file that is named: changed where it is', async () => {
    const shell = fakeShell();
    shells.push(shell);
    const file = join(shell.dir, 'master.key');
    writeFileSync(file, `${newKey()}\n`, { mode: 0o600 });
    const { rekey, values } = place({ SLUICE_MASTER_KEY_FILE: file });
    const before = readFileSync(file, 'utf8');
    expect((await rekey()).code).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toBe(before);
    expect(values()).toEqual(VALUES);
  });
});

describe('changes nothing', () => {
  const textOf = ({ path }: ReturnType<typeof place>) => readFileSync(path('secrets.json'), 'utf8');

  test('where the key is another one, or the same again', async () => {
    const own = newKey();
    const here = place({ SLUICE_MASTER_KEY: own });
    const before = textOf(here);
    const other = { SLUICE_MASTER_KEY: newKey(), SLUICE_NEW_MASTER_KEY: newKey() };
    expect((await here.rekey('', other)).code).toMatchObject({
      exit: 1,
      message: expect.stringContaining('SLUICE_MASTER_KEY is key'),
    });
    expect((await here.rekey('', { SLUICE_NEW_MASTER_KEY: own })).code).toMatchObject({
      message: 'SLUICE_NEW_MASTER_KEY is the key that is in use',
    });
    expect((await here.rekey('', { SLUICE_NEW_MASTER_KEY: 'short' })).code).toMatchObject({
      message: expect.stringContaining('SLUICE_NEW_MASTER_KEY is no key'),
    });
    expect(textOf(here)).toBe(before);
  });

  test('where one secret cannot be read', async () => {
    const here = place();
    const paper = JSON.parse(textOf(here));
    paper.secrets.api.sealed = paper.secrets['b.c'].sealed;
    writeFileSync(here.path('secrets.json'), JSON.stringify(paper));
    const before = textOf(here);
    expect((await here.rekey()).code).toMatchObject({ message: expect.stringContaining('secret "api" in') });
    expect(textOf(here)).toBe(before);
    expect(masterKey({ env: {} }, here.dir, { make: false })?.id).toBe(here.key.id);
  });

  test('where what was written does not come back', () => {
    const here = place();
    const before = textOf(here);
    const keys = [randomBytes(32), randomBytes(32)];
    let uses = 0;
    const broken: MasterKey = {
      id: '0123456789abcdef',
      from: 'a broken one',
      beside: false,
      // It encrypts two, and opens with another.
      get aes() {
        return keys[uses++ < 2 ? 0 : 1] as Buffer;
      },
    };
    expect(() => resealSecretFile(here.dir, here.key, broken)).toThrow('was changed after it was set');
    expect(textOf(here)).toBe(before);
    expect(readdirSync(here.dir).sort()).toEqual(['secrets.json', 'secrets.json.lock', 'secrets.key']);
  });

  test('where nothing is encrypted', async () => {
    const here = place();
    changeSecretFile(here.dir, (file) => Object.keys(VALUES).map((name) => file.forget(name)));
    expect((await here.rekey()).code).toMatchObject({
      message: expect.stringContaining('nothing encrypted'),
    });
  });
});
