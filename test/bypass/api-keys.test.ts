// Ways to get past API keys, over every way in.
import { afterAll } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mintKey, revokeKey } from '../../plugins/auth/key-file.ts';
import { newKey } from '../../plugins/auth/key-text.ts';
import { type Case, proofs } from './case.ts';
import { startScene, WAYS } from './scene.ts';
import { tryAll } from './try.ts';

const dir = mkdtempSync(join(tmpdir(), 'sluice-bypass-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const file = join(dir, 'api-keys.json');
const mint = (more: object = {}) =>
  mintKey(file, { principal: 'ada', scopes: [], groups: [], ...more }, Date.now());
const { key } = mint();
const { key: bob } = mint({ principal: 'bob' });
const revoked = mint();
revokeKey(file, revoked.entry.id, Date.now());
const [mark = '', id = '', secret = ''] = key.split('_');

/** A letter that looks the same, and is another one. */
const twin = (text: string, from: string, to: string) =>
  Buffer.from(text.replace(from, to), 'utf8').toString('latin1');
/** The whole text in letters as wide as Chinese ones, which NFKC would make plain ones again. */
const wide = (text: string) =>
  Buffer.from(
    [...text].map((letter) => String.fromCodePoint((letter.codePointAt(0) ?? 0) + 0xfee0)).join(''),
  ).toString('latin1');
const header = (text: string) => () => `X-Api-Key: ${text}`;
const bearer = (text: string) => () => `Authorization: Bearer ${text}`;

const cases: Case[] = [
  ...proofs(55, {
    'no key': () => [],
    'an empty key': header(''),
    'a beginning of it': header(key.slice(0, -1)),
    'half of it': header(key.slice(0, key.length / 2)),
    'its id alone': header(id),
    'mark and id alone': header(`${mark}_${id}_`),
    'a letter more': header(`${key}A`),
    'a space within': header(`${key.slice(0, 30)} ${key.slice(30)}`),
    'another letter at its end': header(key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A')),
    'the id of one and the secret of another': header(`${mark}_${id}_${bob.split('_')[2]}`),
    'its secret in capitals': header(`${mark}_${id}_${secret.toUpperCase()}`),
    'all in capitals': header(key.toUpperCase()),
    'a Cyrillic c': header(twin(key, 'c', 'с')),
    'a dotless i': header(twin(key, 'i', 'ı')),
    'wide letters': header(wide(key)),
    'a letter without width': header(twin(key, '_', '_\u200b')),
    'the key of nobody': header(newKey().key),
    'a revoked key': header(revoked.key),
    'a revoked key, as a bearer token': bearer(revoked.key),
    'two keys': () => [`X-Api-Key: ${key}`, `X-Api-Key: ${bob}`],
    'a key twice': () => [`X-Api-Key: ${key}`, `X-Api-Key: ${key}`],
    'two keys with a comma': header(`${key}, ${bob}`),
    'a key in either header': () => [`X-Api-Key: ${key}`, `Authorization: Bearer ${key}`],
    'a bad key beside a good one': () => [`X-Api-Key: ${key}`, 'Authorization: Bearer x'],
    'a scheme in its header': header(`Bearer ${key}`),
    'another scheme': () => `Authorization: Basic ${Buffer.from(`${key}:`).toString('base64')}`,
    'the scheme of bound tokens': () => `Authorization: DPoP ${key}`,
    'the scheme ApiKey': () => `Authorization: ApiKey ${key}`,
    'a header with an underscore': () => `X_Api_Key: ${key}`,
    'a header of that kind': () => [`Api-Key: ${key}`, `X-Auth-Token: ${key}`, `X-Api-Token: ${key}`],
    'a cookie': () => `Cookie: x-api-key=${key}; api_key=${key}`,
  }),
  {
    group: 55,
    name: 'a key in the query',
    change: () => ({
      proof: [],
      target: (at) => `${at}${at.includes('?') ? '&' : '?'}api_key=${key}&x-api-key=${key}&key=${key}`,
    }),
  },
  {
    group: 55,
    name: 'a key in the body',
    ways: WAYS.filter(({ method }) => method === 'POST'),
    change: () => ({ proof: [], body: (text) => text.replace('{', `{"api_key":"${key}",`) }),
  },
];

tryAll({
  cases,
  start: () =>
    startScene({
      stateDir: dir,
      pipeline: () => [{ auth: { api_keys: {} } }],
      prove: () => [`X-Api-Key: ${key}`],
    }),
  challenge: () => /^Bearer(?: error="invalid_(?:token|request)")?$/,
});
