// API keys as callers send them: only the whole key, in one place, opens anything, and what it opens is its own.
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { apiKeys, apiKeysSchema, checkApiKeys } from '../../../plugins/auth/api-keys.ts';
import { type Attempt, attemptOf, type Verdict } from '../../../plugins/auth/attempt.ts';
import { mintKey, revokeKey } from '../../../plugins/auth/key-file.ts';
import { idOfKey, newKey } from '../../../plugins/auth/key-text.ts';
import { exchangeOf } from '../../../src/testing/call.ts';
import { Keeps, recordingLog } from '../../../src/testing/host.ts';
import type { Line } from '../../fixtures/in-process.ts';

const NOW = 1_800_000_000_000;
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

type Headers = Record<string, string>;

function scene(options: unknown = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-api-keys-'));
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  const lines: Line[] = [];
  const clock = { now: NOW };
  const keeps = new Keeps();
  undo.push(
    () => keeps.forget(),
    () => keeps.sweep(),
  );
  const method = apiKeys(apiKeysSchema.parse(options), {
    id: 'auth',
    log: recordingLog(lines),
    now: () => clock.now,
    count() {},
    limitHit() {},
    keep: (key, make, dispose) => keeps.keep(key, make, dispose),
    stateDir: dir,
    replaced: new AbortController().signal,
  });
  const attempt = (headers: Headers): Attempt =>
    attemptOf(
      exchangeOf({ method: 'tools/list', headers }, 'r', new AbortController().signal, NOW),
      clock.now,
    );
  const file = join(dir, 'api-keys.json');
  return {
    file,
    clock,
    lines,
    attempt,
    mint: (more: object = {}) =>
      mintKey(file, { principal: 'ada', scopes: ['mcp:use'], groups: ['ops'], ...more }, NOW),
    verify: (headers: Headers) => method.verify(attempt(headers)),
    bearer: (key: string) => method.verify(attempt({ authorization: `Bearer ${key}` })) as Verdict,
  };
}

/** As anybody can make one who has read how. */
function withChecksum(body: string): string {
  const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  const sum = [5, 4, 3, 2, 1, 0].map((at) => letters[Math.floor(crc32(body) / 62 ** at) % 62]);
  return body + sum.join('');
}

const wrong = (reason: string) => ({ kind: 'refused', reason, error: 'invalid_token' });

test('a key is its principal, with tenant, scopes and groups', () => {
  const { mint, bearer, verify } = scene();
  const { key } = mint({ tenant: 'north' });
  const principal = { id: 'ada', tenant: 'north', scopes: ['mcp:use'], groups: ['ops'] };
  expect(bearer(key)).toMatchObject({ kind: 'found', principal });
  expect(verify({ 'x-api-key': key })).toMatchObject({ kind: 'found', principal });
  expect(verify({ authorization: `bearer ${key}` })).toMatchObject({ kind: 'found', principal });
});

test('nothing sent, or something of another kind, is for others', () => {
  const { verify, bearer } = scene();
  expect(verify({})).toBeUndefined();
  expect(verify({ authorization: 'Basic YTpi' })).toBeUndefined();
  expect(bearer('aaa.bbb.ccc')).toBeUndefined();
  expect(bearer('opaque')).toBeUndefined();
});

describe('what is no key, or not quite', () => {
  const variants: [string, (key: string) => string][] = [
    ['without its last letter', (key) => key.slice(0, -1)],
    ['with a letter more', (key) => `${key}0`],
    ['without its secret', (key) => key.slice(0, 20)],
    ['its id alone', (key) => key.slice(0, 19)],
    ['in capitals', (key) => `sluice_${key.slice(7).toUpperCase()}`],
    ['with its first half twice', (key) => key.slice(0, 40) + key.slice(0, 29)],
    ['the digest in its place', () => `sluice_${'a'.repeat(12)}_${'0'.repeat(49)}`],
    ['with a tail', (key) => `${key}.x`],
  ];
  test.each(variants)('%s', (_, change) => {
    const { mint, bearer, verify } = scene();
    const { key } = mint();
    expect(bearer(change(key))).toEqual(wrong('key_malformed') as Verdict);
    expect(verify({ 'x-api-key': change(key) })).toEqual(wrong('key_malformed') as Verdict);
  });

  test('the key of nobody, and the id of one with the secret of another', () => {
    const { mint, bearer } = scene();
    const [one, other] = [mint(), newKey()];
    expect(bearer(other.key)).toEqual(wrong('key_unknown') as Verdict);
    // Checksum and all: only the secret is not right.
    const forged = withChecksum(`sluice_${one.entry.id}_${other.key.slice(20, 63)}`);
    expect(idOfKey(forged)).toBe(one.entry.id);
    expect(bearer(forged)).toEqual(wrong('key_unknown') as Verdict);
  });

  test('empty, spaced and doubled headers', () => {
    const { mint, verify, attempt } = scene();
    const { key } = mint();
    expect(verify({ 'x-api-key': '' })).toEqual(wrong('key_malformed') as Verdict);
    expect(verify({ 'x-api-key': `${key}, ${key}` })).toEqual(wrong('key_malformed') as Verdict);
    expect(verify({ 'x-api-key': `Bearer ${key}` })).toEqual(wrong('key_malformed') as Verdict);
    expect(verify({ 'x-api-key': key.replace('u', '\u00fa') })).toEqual(wrong('key_malformed') as Verdict);
    for (const text of [
      `Bearer ${key}, Bearer ${key}`,
      `Bearer  ${key}`,
      `Bearer\t${key}`,
      `Bearer ${key} x`,
      `Bearer\u00a0${key}`,
    ])
      expect(() => attempt({ authorization: text })).toThrow('header_malformed');
  });

  test('two credentials at once: nobody knows which one is meant', () => {
    const { mint, verify } = scene();
    const { key } = mint();
    const both = { kind: 'refused' as const, reason: 'two_credentials', error: 'invalid_request' as const };
    expect(verify({ 'x-api-key': key, authorization: `Bearer ${key}` })).toEqual(both);
    expect(verify({ 'x-api-key': key, authorization: 'DPoP aaa.bbb.ccc' })).toEqual(both);
    // What a proxy before the gateway asked for is none of ours.
    expect(verify({ 'x-api-key': key, authorization: 'Basic YTpi' })).toMatchObject({ kind: 'found' });
  });

  test('a key is no DPoP token', () => {
    const { mint, verify } = scene();
    expect(verify({ authorization: `DPoP ${mint().key}` })).toBeUndefined();
  });
});

test('revoked and expired keys, at once and to the moment', () => {
  const { file, clock, mint, bearer } = scene();
  const [a, b] = [mint(), mint({ expires: '2027-01-15T08:00:10Z' })];
  expect(bearer(b.key)).toMatchObject({ principal: { expires: NOW + 10_000 } });
  clock.now = NOW + 9_999;
  expect(bearer(b.key)).toMatchObject({ kind: 'found' });
  clock.now = NOW + 10_000;
  expect(bearer(b.key)).toEqual(wrong('key_expired') as Verdict);
  const before = bearer(a.key);
  expect(before).toMatchObject({ kind: 'found' });
  revokeKey(file, a.entry.id, NOW);
  expect(bearer(a.key)).toEqual(wrong('key_revoked') as Verdict);
  expect(before?.kind === 'found' && before.principal.ends?.aborted).toBe(true);
});

test('while the file is bad a key is neither good nor bad', () => {
  const { file, lines, mint, bearer } = scene();
  const { key } = mint();
  expect(bearer(key)).toMatchObject({ kind: 'found' });
  writeFileSync(file, '{');
  expect(bearer(key)).toMatchObject({ kind: 'unavailable', reason: 'key_file' });
  // What cannot be a key is none, whatever the file says.
  expect(bearer(key.slice(0, -1))).toEqual(wrong('key_malformed') as Verdict);
  expect(JSON.stringify(lines)).not.toContain(key.slice(20, 63));
});

describe('where keys are taken from', () => {
  test('a header of another name, and no other', () => {
    const { mint, verify } = scene({ header: 'X-Team-Key', bearer: false });
    const { key } = mint();
    expect(verify({ 'x-team-key': key })).toMatchObject({ kind: 'found' });
    expect(verify({ 'x-api-key': key })).toBeUndefined();
    expect(verify({ authorization: `Bearer ${key}` })).toBeUndefined();
  });

  test('the Authorization header alone', () => {
    const { mint, verify, bearer } = scene({ header: 'off' });
    const { key } = mint();
    expect(bearer(key)).toMatchObject({ kind: 'found' });
    expect(verify({ 'x-api-key': key })).toBeUndefined();
  });

  test('nowhere is a mistake', () => {
    const place = { upstream: undefined, urls: [], stateDir: undefined, now: Date.now };
    const told = (options: object) =>
      checkApiKeys(apiKeysSchema.parse(options), place).map(({ message }) => message);
    expect(told({ header: 'off', bearer: false })).toEqual(['keys come in no header']);
    expect(told({ file: 'off' })).toEqual(['there is no key']);
    expect(told({})).toEqual([]);
  });

  test('a key of gateway.yaml that has expired is told', () => {
    const keys = [
      { key: '0123456789abcdef0123456789abcdef', id: 'me', expires: '2027-01-01T00:00:00Z' },
      { key: 'fedcba9876543210fedcba9876543210', id: 'you', expires: '2028-01-01T00:00:00Z' },
    ];
    const place = { upstream: undefined, urls: [], stateDir: undefined, now: () => NOW };
    expect(checkApiKeys(apiKeysSchema.parse({ keys }), place)).toEqual([
      { path: ['api_keys', 'keys', 0, 'expires'], message: 'this key has expired', severity: 'warning' },
    ]);
  });
});

describe('keys of gateway.yaml', () => {
  const KEY = '0123456789abcdef0123456789abcdef';

  test('are known beside those of the file, in either header', () => {
    const { mint, bearer, verify } = scene({ keys: [{ key: KEY, id: 'me', scopes: ['x'] }] });
    expect(bearer(KEY)).toMatchObject({ kind: 'found', principal: { id: 'me', scopes: ['x'], groups: [] } });
    expect(verify({ 'x-api-key': KEY })).toMatchObject({ kind: 'found', principal: { id: 'me' } });
    expect(bearer(mint().key)).toMatchObject({ kind: 'found', principal: { id: 'ada' } });
    for (const nearly of [KEY.slice(0, -1), `${KEY}0`, KEY.toUpperCase()]) {
      expect(bearer(nearly)).toBeUndefined();
      expect(verify({ 'x-api-key': nearly })).toEqual(wrong('key_malformed') as Verdict);
    }
  });

  test('may be such as `sluice token mint` makes, need no file, and expire', () => {
    const { key } = newKey();
    const { bearer, clock } = scene({
      file: 'off',
      keys: [{ key, id: 'me', expires: '2027-01-15T08:00:10Z' }],
    });
    expect(bearer(key)).toMatchObject({ kind: 'found', principal: { id: 'me', expires: NOW + 10_000 } });
    expect(bearer(newKey().key)).toEqual(wrong('key_unknown') as Verdict);
    clock.now = NOW + 10_000;
    expect(bearer(key)).toEqual(wrong('key_expired') as Verdict);
  });

  test.each([
    [{ key: 'changeme', id: 'me' }, /at least 32 characters/],
    [{ key: '', id: 'me' }, /visible ASCII/],
    [{ key: `${KEY} x`, id: 'me' }, /visible ASCII/],
    [{ key: newKey().key.slice(0, -1), id: 'me' }, /some of it is missing, or mistyped/],
    [{ key: KEY, id: 'anonymous' }, /prove nothing/],
    [{ key: KEY, id: 'a', tenant: '' }, /1 to 256 characters/],
  ])('%j is refused, and not repeated', (key, says) => {
    const read = apiKeysSchema.safeParse({ keys: [key] });
    expect(read.error?.issues.map(({ message }) => message).join()).toMatch(says);
    if (key.key.length > 8) expect(JSON.stringify(read.error?.issues)).not.toContain(key.key);
  });

  test('one key for two is refused', () => {
    const keys = ['a', 'b'].map((id) => ({ key: KEY, id }));
    expect(apiKeysSchema.safeParse({ keys }).error?.issues).toMatchObject([
      { path: ['keys', 1, 'key'], message: 'stands above already' },
    ]);
  });
});
