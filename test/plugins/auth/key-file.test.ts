// The file of API keys: nothing in it opens anything, several may change it, and what cannot be read is left alone.
import { afterEach, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyFileError, mintKey, readKeys, revokeKey } from '../../../plugins/auth/key-file.ts';

const NOW = 1_800_000_000_000;
const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function place(): { dir: string; file: string } {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
  dirs.push(dir);
  return { dir, file: join(dir, 'state', 'api-keys.json') };
}

const wanted = { principal: 'ada', scopes: ['mcp:use'], groups: [] };

test('no file is no keys', () => {
  expect(readKeys(place().file)).toEqual([]);
});

test('what is kept of a key is not the key, and only its owner may read it', () => {
  const { file } = place();
  const { key, entry } = mintKey(file, { ...wanted, tenant: 'north', note: 'for ci' }, NOW);
  const text = readFileSync(file, 'utf8');
  expect(text).not.toContain(key);
  expect(text).not.toContain(key.slice(20));
  expect(text).not.toContain(key.slice(20, 63));
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readKeys(file)).toEqual([entry]);
  expect(entry).toEqual({
    id: key.split('_')[1] as string,
    digest: `sha256:${new Bun.CryptoHasher('sha256').update(key).digest('hex')}`,
    principal: 'ada',
    tenant: 'north',
    scopes: ['mcp:use'],
    groups: [],
    created: '2027-01-15T08:00:00.000Z',
    note: 'for ci',
  });
});

test('a revoked key stays in the file, with the time of the first revocation', () => {
  const { file } = place();
  const { entry } = mintKey(file, wanted, NOW);
  mintKey(file, wanted, NOW);
  expect(revokeKey(file, entry.id, NOW + 1_000)?.revoked).toBe('2027-01-15T08:00:01.000Z');
  expect(revokeKey(file, entry.id, NOW + 2_000)?.revoked).toBe('2027-01-15T08:00:01.000Z');
  expect(revokeKey(file, 'aaaaaaaaaaaa', NOW)).toBeUndefined();
  expect(readKeys(file).map(({ revoked }) => revoked)).toEqual(['2027-01-15T08:00:01.000Z', undefined]);
});

test.each([
  ['nobody', { principal: '' }, /principal/],
  ['who proves nothing', { principal: 'anonymous' }, /prove nothing/],
  ['an invisible name', { principal: 'ad\u200ba' }, /principal.*invisible/],
  ['a scope that is two', { scopes: ['a b'] }, /scopes\[0\]/],
  ['an end that is past', { expires: '2027-01-15T07:59:59Z' }, /expired already/],
  ['an end that is none', { expires: 'soon' }, /expires: not a time/],
])('a key for %s is not made', (_, wrong, says) => {
  const { dir, file } = place();
  expect(() => mintKey(file, { ...wanted, ...wrong }, NOW)).toThrow(says);
  expect(readKeys(file)).toEqual([]);
  expect(readdirSync(join(dir, 'state'))).toEqual(['api-keys.json.lock']);
});

test('processes that change it at once lose nothing of each other', async () => {
  const { file } = place();
  const code = `
    import { mintKey } from ${JSON.stringify(join(import.meta.dir, '../../../plugins/auth/key-file.ts'))};
    for (let n = 0; n < 10; n++)
      mintKey(${JSON.stringify(file)}, { principal: process.argv[1] ?? '', scopes: [], groups: [] }, ${NOW});`;
  const children = ['a', 'b', 'c'].map((who) =>
    Bun.spawn([process.execPath, '-e', code, who], { stderr: 'inherit' }),
  );
  expect(await Promise.all(children.map(({ exited }) => exited))).toEqual([0, 0, 0]);
  const principals = readKeys(file).map(({ principal }) => principal);
  for (const who of ['a', 'b', 'c']) expect(principals.filter((each) => each === who)).toHaveLength(10);
});

test('one that was killed in the middle keeps nobody from changing it', async () => {
  const { file } = place();
  mintKey(file, wanted, NOW);
  const code = `
    import { alone } from ${JSON.stringify(join(import.meta.dir, '../../../src/lib/whole-file.ts'))};
    alone(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'));`;
  const child = Bun.spawn([process.execPath, '-e', code], { stderr: 'inherit' });
  await child.exited;
  expect(child.signalCode).toBe('SIGKILL');
  mintKey(file, wanted, NOW);
  expect(readKeys(file)).toHaveLength(2);
});

test('a link stays a link, and rights that its owner gave stay given', () => {
  const { dir, file } = place();
  mintKey(file, wanted, NOW);
  chmodSync(file, 0o640);
  const link = join(dir, 'link.json');
  symlinkSync(file, link);
  mintKey(link, wanted, NOW);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readKeys(file)).toHaveLength(2);
  expect(statSync(file).mode & 0o777).toBe(0o640);
});

describe('what is no file of keys', () => {
  const good = JSON.stringify(
    (() => {
      const { file } = place();
      return mintKey(file, wanted, NOW).entry;
    })(),
  );
  const bad: [string, string, RegExp][] = [
    ['half of one', '{"version":1,"keys":[', /is not JSON/],
    ['empty', '', /is not JSON/],
    ['another version', '{"version":2,"keys":[]}', /version/],
    ['a list', '[]', /the top/],
    ['a member nobody knows', `{"version":1,"keys":[],"x":1}`, /the top: Unrecognized key: "x"/],
    [
      'a key with more',
      `{"version":1,"keys":[${good.replace('{', '{"admin":true,')}]}`,
      /keys\[0\]: .*admin/,
    ],
    [
      'a key without scopes that are a list',
      `{"version":1,"keys":[${good.replace('["mcp:use"]', '"*"')}]}`,
      /scopes/,
    ],
    [
      'a revocation that is no time',
      `{"version":1,"keys":[${good.replace('{', '{"revoked":"x",')}]}`,
      /revoked/,
    ],
    ['one key twice', `{"version":1,"keys":[${good},${good}]}`, /same id/],
  ];
  test.each(bad)('%s: told, and left as it is', (_, text, says) => {
    const { dir } = place();
    const file = join(dir, 'api-keys.json');
    writeFileSync(file, text, { mode: 0o600 });
    for (const act of [
      () => readKeys(file),
      () => mintKey(file, wanted, NOW),
      () => revokeKey(file, 'aaaaaaaaaaaa', NOW),
    ]) {
      expect(act).toThrow(KeyFileError);
      expect(act).toThrow(says);
    }
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('what the file says is not repeated', () => {
    const { dir } = place();
    const file = join(dir, 'api-keys.json');
    writeFileSync(file, 'canary-of-a-secret', { mode: 0o600 });
    expect(() => readKeys(file)).toThrow(/^(?!.*canary)/s);
  });

  test('one that others can write', () => {
    const { file } = place();
    mintKey(file, wanted, NOW);
    chmodSync(file, 0o620);
    expect(() => readKeys(file)).toThrow(/written by others \(mode 0620\)/);
  });
});
