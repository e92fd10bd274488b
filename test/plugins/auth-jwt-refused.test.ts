// Tokens that are not what they should be, each in one way.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type Harness, testPlugin } from 'sluice/testing';
import auth from '../../plugins/auth.ts';
import { callWith, refusalOf } from '../fixtures/auth/judged.ts';
import { AUDIENCE, type Claims, type Issuer, startIssuer, symmetric } from '../fixtures/issuer.ts';

const START = 1_800_000_000_000;
const NOW = START / 1_000;

let issuer: Issuer;
let other: Issuer;
let harness: Harness;

beforeAll(async () => {
  issuer = await startIssuer(() => START);
  other = await startIssuer(() => START);
  harness = await testPlugin(auth, { issuers: [{ issuer: issuer.url }] });
});
afterAll(() => Promise.all([issuer, other, harness].map((each) => each[Symbol.asyncDispose]())));

const call = (authorization: string, by: Harness = harness) => callWith(by, authorization);
const refusal = (token: string, by: Harness = harness) => refusalOf(token, by);

const claims = (more: Claims) => () => issuer.token(more);
const header = (more: Claims) => () => issuer.token({}, more);
const part = async (at: number, change: (text: string) => string): Promise<string> => {
  const parts = (await issuer.token()).split('.');
  parts[at] = change(parts[at] ?? '');
  return parts.join('.');
};
const raw = (payload: string) => () => issuer.sign({ alg: 'ES256', kid: 'one' }, payload);
const payload = () => ({ iss: issuer.url, aud: AUDIENCE, sub: 'ada', exp: NOW + 600 });

const BAD: [string, () => string | Promise<string>, string][] = [
  [
    'alg none',
    async () => `${(await issuer.sign({ alg: 'none' }, payload())).split('.').slice(0, 2).join('.')}.`,
    'malformed',
  ],
  ['alg none with a signature', header({ alg: 'none' }), 'algorithm_refused'],
  ['alg nOnE', header({ alg: 'nOnE' }), 'algorithm_refused'],
  ['no alg', header({ alg: undefined }), 'malformed'],
  ['an alg that is a list', header({ alg: ['ES256'] }), 'malformed'],
  [
    'the public key as a shared secret',
    () => symmetric(Buffer.from(JSON.stringify(issuer.keys[0]?.jwk)), payload()),
    'algorithm_refused',
  ],
  [
    'the PEM of the key as a shared secret',
    () => symmetric(Buffer.from(issuer.keys[0]?.pem ?? ''), payload(), { kid: 'one' }),
    'algorithm_refused',
  ],
  ['another algorithm than its key’s', header({ alg: 'RS256' }), 'key_unknown'],
  [
    'a signature in DER',
    async () => {
      const [head = '', body = ''] = (await issuer.token()).split('.');
      return `${head}.${body}.${Buffer.from(`3044${'02'.padEnd(138, '20')}`, 'hex').toString('base64url')}`;
    },
    'signature_wrong',
  ],
  ['a signature of zeros', () => part(2, () => Buffer.alloc(64).toString('base64url')), 'signature_wrong'],
  ['no signature', () => part(2, () => ''), 'malformed'],
  ['two parts', async () => (await issuer.token()).split('.').slice(0, 2).join('.'), 'malformed'],
  ['a fourth part', async () => `${await issuer.token()}.x`, 'malformed'],
  [
    'encrypted',
    async () => `${(await issuer.token({}, { alg: 'RSA-OAEP', enc: 'A256GCM' })).split('.')[0]}.a.b.c.d`,
    'encrypted',
  ],
  ['a token within', header({ cty: 'JWT' }), 'header_unsupported'],
  ['zip', header({ zip: 'DEF' }), 'header_unsupported'],
  ['crit', header({ crit: ['exp'], exp: 1 }), 'header_unsupported'],
  ['b64 false', header({ b64: false }), 'header_unsupported'],
  ['its own key', () => issuer.token({}, { jwk: issuer.keys[0]?.jwk }), 'key_in_header'],
  ['jku', header({ jku: 'https://evil.example/keys' }), 'key_in_header'],
  ['x5u', header({ x5u: 'https://evil.example/cert' }), 'key_in_header'],
  ['x5c', header({ x5c: ['abc'] }), 'key_in_header'],
  ['a path for a key id', header({ kid: '../../etc/passwd' }), 'key_unknown'],
  ['SQL for a key id', header({ kid: "'or'1'='1" }), 'key_unknown'],
  ['a zero in its key id', header({ kid: 'one\0' }), 'key_id_malformed'],
  ['a long key id', header({ kid: 'x'.repeat(10_240) }), 'key_id_malformed'],
  ['a number for a key id', header({ kid: 1 }), 'key_id_malformed'],
  [
    'a foreign key by the same id',
    async () => other.sign({ alg: 'ES256', kid: 'one' }, payload()),
    'signature_wrong',
  ],
  ['padding', () => part(2, (text) => `${text}=`), 'malformed'],
  ['the other alphabet', () => part(2, (text) => `${text.slice(0, -2)}+/`), 'malformed'],
  [
    'bits too many in its last character',
    () => part(2, (text) => text.slice(0, -1) + (text.endsWith('A') ? 'B' : 'B')),
    'malformed',
  ],
  [
    'aud twice',
    raw(`{"iss":"${'ISS'}","aud":"x","aud":"${AUDIENCE}","sub":"ada","exp":${NOW + 60}}`),
    'duplicate_member',
  ],
  [
    'a member twice deep within',
    () => issuer.sign({ alg: 'ES256' }, `{"iss":"${issuer.url}","x":{"a":1,"a":2}}`),
    'duplicate_member',
  ],
  ['alg twice', () => issuer.sign('{"alg":"ES256","alg":"ES256"}', payload()), 'duplicate_member'],
  ['claims that are no object', raw('["iss"]'), 'malformed'],
  ['another issuer', claims({ iss: 'https://evil.example' }), 'issuer_unknown'],
  ['a slash behind its issuer', () => issuer.token({ iss: `${issuer.url}/` }), 'issuer_unknown'],
  ['its issuer in other letters', () => issuer.token({ iss: issuer.url.toUpperCase() }), 'issuer_unknown'],
  ['a list of issuers', () => issuer.token({ iss: [issuer.url] }), 'issuer_unknown'],
  ['no issuer', claims({ iss: undefined }), 'issuer_unknown'],
  ['an issuer called __proto__', claims({ iss: '__proto__' }), 'issuer_unknown'],
  ['no audience', claims({ aud: undefined }), 'audience_wrong'],
  ['another audience', claims({ aud: 'https://other.example/mcp' }), 'audience_wrong'],
  ['a beginning of the audience', claims({ aud: AUDIENCE.slice(0, -1) }), 'audience_wrong'],
  ['more than the audience', claims({ aud: `${AUDIENCE}/ci` }), 'audience_wrong'],
  ['a slash behind the audience', claims({ aud: `${AUDIENCE}/` }), 'audience_wrong'],
  ['audiences without ours', claims({ aud: ['https://a', 'https://b'] }), 'audience_wrong'],
  ['an audience among numbers', claims({ aud: [1, AUDIENCE] }), 'audience_wrong'],
  ['an audience that is an object', claims({ aud: { [AUDIENCE]: 1 } }), 'audience_wrong'],
  ['exp past', claims({ exp: NOW - 61 }), 'expired'],
  ['no exp', claims({ exp: undefined }), 'time_malformed'],
  ['exp as text', claims({ exp: String(NOW + 60) }), 'time_malformed'],
  ['exp with a fraction', claims({ exp: NOW + 60.5 }), 'time_malformed'],
  ['exp below zero', claims({ exp: -1 }), 'time_malformed'],
  [
    'exp without end',
    () => issuer.sign({ alg: 'ES256' }, `{"iss":"${issuer.url}","aud":"${AUDIENCE}","sub":"a","exp":1e99}`),
    'time_malformed',
  ],
  ['nbf to come', claims({ nbf: NOW + 61 }), 'not_yet'],
  ['iat to come', claims({ iat: NOW + 3_000 }), 'not_yet'],
  ['nbf as text', claims({ nbf: 'now' }), 'time_malformed'],
  ['typ of a proof', header({ typ: 'dpop+jwt' }), 'type_wrong'],
  ['typ of a refresh token', header({ typ: 'rt+jwt' }), 'type_wrong'],
  ['typ as a number', header({ typ: 1 }), 'type_wrong'],
  ['token_use id', claims({ token_use: 'id' }), 'type_wrong'],
  ['typ ID in its claims', claims({ typ: 'ID' }), 'type_wrong'],
  ['typ Refresh in its claims', claims({ typ: 'Refresh' }), 'type_wrong'],
  ['at_hash, which ID tokens have', claims({ at_hash: 'x' }), 'type_wrong'],
  ['no sub', claims({ sub: undefined }), 'subject_malformed'],
  ['an empty sub', claims({ sub: '' }), 'subject_malformed'],
  ['a sub that is a number', claims({ sub: 7 }), 'subject_malformed'],
  ['a line break in its sub', claims({ sub: 'ada\nadmin' }), 'subject_malformed'],
  ['the sub anonymous', claims({ sub: 'anonymous' }), 'subject_malformed'],
  ['scopes that are numbers', claims({ scope: [1] }), 'scope_malformed'],
  ['a quote in a scope', claims({ scope: 'a"b' }), 'scope_malformed'],
  ['two spaces in its scope', claims({ scope: 'a  b' }), 'scope_malformed'],
  ['a binding that nobody can check', claims({ cnf: { jwk: {} } }), 'binding_unknown'],
  ['a binding to a key it did not show', claims({ cnf: { jkt: 'x'.repeat(43) } }), 'bound_token_as_bearer'],
  ['too many characters', claims({ x: 'x'.repeat(16_384) }), 'too_long'],
];

test.each(BAD)('with %s is refused', async (_, token, reason) => {
  expect(await refusal(await token())).toBe(reason);
});

test('every bit counts', async () => {
  const token = await issuer.token();
  const dots = [...token].flatMap((letter, at) => (letter === '.' ? [at] : []));
  const step = Math.ceil(token.length / 64);
  for (let at = 0; at < token.length; at += step) {
    if (dots.includes(at)) continue;
    const flipped = String.fromCharCode(token.charCodeAt(at) ^ 1);
    const { result, request } = await call(`Bearer ${token.slice(0, at)}${flipped}${token.slice(at + 1)}`);
    expect([result.http, request, at]).toEqual([401, undefined, at]);
  }
});
