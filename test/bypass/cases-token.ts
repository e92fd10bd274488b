// Groups 11–30: tokens whose form, head or signature is not what it should be.
import { createPublicKey } from 'node:crypto';
import { symmetric } from '../fixtures/issuer.ts';
import { tokens } from './case.ts';
import { MODERN, type Scene, WAYS } from './scene.ts';
import { HOUR, header, now, payload, text } from './tokens.ts';

/** The good token with one of its three parts changed. */
const part = (at: number, change: (text: string) => string) => (scene: Scene) => {
  const parts = scene.good.split('.');
  parts[at] = change(parts[at] ?? '');
  return parts.join('.');
};
const hmac = (secret: (scene: Scene) => string) => (scene: Scene) =>
  symmetric(Buffer.from(secret(scene)), payload(scene), { kid: 'one' });
const pem = ({ issuer }: Scene) =>
  createPublicKey(issuer.keys[0]?.pem ?? '')
    .export({ type: 'spki', format: 'pem' })
    .toString();
/** As ASN.1 has it, with both numbers as they are. */
const der = (raw: Buffer) => {
  const number = (bytes: Buffer) => Buffer.concat([Buffer.from([2, 33, 0]), bytes]);
  const both = Buffer.concat([number(raw.subarray(0, 32)), number(raw.subarray(32))]);
  return Buffer.concat([Buffer.from([0x30, both.length]), both]);
};
const signature = (change: (bytes: Buffer) => Buffer) =>
  part(2, (own) => change(Buffer.from(own, 'base64url')).toString('base64url'));

/** The good token with the lowest bit of one letter changed; a dot is none. */
const flipped =
  (at: number) =>
  ({ good }: Scene) => {
    const place = Math.floor((good.length * at) / 64);
    const next = place + (good[place] === '.' ? 1 : 0);
    return good.slice(0, next) + String.fromCharCode(good.charCodeAt(next) ^ 1) + good.slice(next + 1);
  };

export default [
  ...tokens(11, {
    'alg none': async ({ issuer, ...scene }) =>
      `${(await issuer.sign({ alg: 'none' }, payload({ issuer, ...scene }))).split('.').slice(0, 2).join('.')}.`,
    'alg none with a signature': header({ alg: 'none' }),
    'alg None': header({ alg: 'None' }),
    'alg nOnE': header({ alg: 'nOnE' }),
    'alg NONE, and no key': header({ alg: 'NONE', kid: undefined }),
    'an empty alg': header({ alg: '' }),
  }),
  ...tokens(12, {
    'no alg': header({ alg: undefined }),
    'an alg that is a list': header({ alg: ['ES256'] }),
  }),
  ...tokens(
    13,
    {
      'the public key as a shared secret, as JWK': hmac(({ issuer }) => JSON.stringify(issuer.published[0])),
      'the public key as a shared secret, as PEM': hmac(pem),
      'an empty shared secret': (scene) => symmetric(Buffer.alloc(32), payload(scene), { kid: 'one' }),
    },
    { reason: 'algorithm_refused' },
  ),
  ...tokens(
    14,
    {
      'RS256 for a key of ES256': header({ alg: 'RS256' }),
      'PS256 for a key of ES256': header({ alg: 'PS256' }),
      'ES384 for a key of ES256': header({ alg: 'ES384' }),
      'EdDSA for a key of ES256': header({ alg: 'EdDSA' }),
    },
    { reason: 'key_unknown' },
  ),
  ...tokens(
    15,
    {
      'a signature as ASN.1 has it': signature(der),
      'a signature of zeros': signature(() => Buffer.alloc(64)),
      'r alone': signature((own) => own.subarray(0, 32)),
      'a byte more': signature((own) => Buffer.concat([own, Buffer.alloc(1)])),
    },
    { reason: 'signature_wrong' },
  ),
  ...tokens(
    16,
    {
      'its own key within': (scene) => scene.token({}, { jwk: scene.issuer.published[0] }),
      'a foreign key within': async (scene) =>
        scene.other.sign({ alg: 'ES256', jwk: scene.other.published[0] }, payload(scene)),
    },
    { reason: 'key_in_header' },
  ),
  ...tokens(
    17,
    {
      'where its key is': (scene) => scene.token({}, { jku: `${scene.other.url}/keys` }),
      'where a foreign key is': async (scene) =>
        scene.other.sign({ alg: 'ES256', kid: 'one', jku: `${scene.other.url}/keys` }, payload(scene)),
    },
    { reason: 'key_in_header' },
  ),
  ...tokens(
    18,
    {
      'where its certificate is': (scene) => scene.token({}, { x5u: `${scene.other.url}/cert` }),
      'its certificate': header({ x5c: ['MIIB'] }),
    },
    { reason: 'key_in_header' },
  ),
  ...tokens(
    19,
    {
      'a path for a key id': header({ kid: '../../../../dev/null' }),
      'a path that is encoded': header({ kid: '%2e%2e%2fone' }),
      'a path of Windows': header({ kid: '..\\one' }),
    },
    { reason: 'key_unknown' },
  ),
  ...tokens(20, {
    'SQL for a key id': header({ kid: "'or'1'='1" }),
    'a URL for a key id': (scene) => scene.token({}, { kid: `${scene.other.url}/keys` }),
    'a zero in its key id': header({ kid: 'one\0' }),
    'a key id of 10 KB': header({ kid: 'x'.repeat(10_240) }),
    'a number for a key id': header({ kid: 1 }),
    'a list for a key id': header({ kid: ['one'] }),
    'an empty key id': header({ kid: '' }),
    'a key id that objects have': header({ kid: '__proto__' }),
  }),
  ...tokens(
    22,
    {
      'a key of one issuer for the other': async (scene) =>
        scene.other.sign({ alg: 'ES256', kid: 'one' }, payload(scene)),
      'a key of the other for the one': async (scene) =>
        scene.issuer.sign({ alg: 'ES256', kid: 'one' }, { ...payload(scene), iss: scene.other.url }),
    },
    { reason: 'signature_wrong' },
  ),
  ...tokens(
    23,
    {
      'crit of something unknown': header({ crit: ['x'], x: 1 }),
      'crit of something known': header({ crit: ['exp'], exp: 1 }),
      'an empty crit': header({ crit: [] }),
    },
    { reason: 'header_unsupported' },
  ),
  ...tokens(
    24,
    {
      'b64 false': header({ b64: false }),
      'b64 false, which is crit': header({ b64: false, crit: ['b64'] }),
    },
    { reason: 'header_unsupported' },
  ),
  ...tokens(25, {
    encrypted: async ({ token }) =>
      `${(await token({}, { alg: 'RSA-OAEP', enc: 'A256GCM' })).split('.')[0]}.a.b.c.d`,
    'encrypted, by its head alone': header({ alg: 'dir', enc: 'A256GCM' }),
    'a token within a token': header({ cty: 'JWT' }),
    'a token for claims': ({ issuer, good }) => issuer.sign({ alg: 'ES256', kid: 'one' }, good),
    zip: header({ zip: 'DEF' }),
  }),
  ...tokens(26, {
    'as JSON': ({ good }) => {
      const [head, body, own] = good.split('.');
      return JSON.stringify({ protected: head, payload: body, signature: own });
    },
    'as JSON, with its alg unprotected': ({ good }) => {
      const [, body, own] = good.split('.');
      const json = JSON.stringify({ header: { alg: 'ES256', kid: 'one' }, payload: body, signature: own });
      return Buffer.from(json).toString('base64url');
    },
  }),
  ...tokens(27, {
    'no signature': part(2, () => ''),
    'no third part': ({ good }) => good.split('.').slice(0, 2).join('.'),
    'the head alone': ({ good }) => good.split('.')[0] ?? '',
  }),
  ...tokens(
    28,
    Object.fromEntries([...Array(64).keys()].map((at) => [`bit ${at} of 64 that is another`, flipped(at)])),
    {
      ways: [MODERN[0], WAYS[4]].filter((way) => way !== undefined),
    },
  ),
  ...tokens(29, {
    padding: part(2, (own) => `${own}==`),
    'padding of its claims': part(1, (own) => `${own}=`),
    'the other alphabet': part(2, (own) => `${own.slice(0, -2)}+/`),
    'bits too many at its end': part(2, (own) => `${own.slice(0, -1)}B`),
    'a line break within': part(1, (own) => `${own.slice(0, 8)}%0A${own.slice(8)}`),
  }),
  ...tokens(
    30,
    {
      'aud twice': text((json) => json.replace('{', '{"aud":"x",')),
      'exp twice': text((json) => json.replace('}', `,"exp":${now() + 2 * HOUR}}`)),
      'sub twice, once encoded': text((json) => json.replace('{', '{"\\u0073ub":"root",')),
      'alg twice': (scene) => scene.issuer.sign('{"alg":"none","alg":"ES256","kid":"one"}', payload(scene)),
    },
    { reason: 'duplicate_member' },
  ),
];
