// The scheme `hmac-v1`: an HMAC over one line of text. What stands in the line, and in which headers the parts are
// sent, can be written down, so that a server with a scheme of its own kind is served, too.

import { createHash, createHmac } from 'node:crypto';
import { z } from '../../src/plugin.ts';
import { dates, keyNamed, type Named, newestKey, ring } from './keys.ts';
import {
  fromBase64,
  headerOf,
  isSame,
  type Message,
  type Rule,
  require,
  requireNew,
  requireRecent,
} from './message.ts';
import { areDistinct, DISTINCT, headerName } from './names.ts';
import { newNonce } from './nonces.ts';
import { bytesOf, judgeSecrets, type Secret, secretFields } from './secrets.ts';

const PARTS = [
  'timestamp',
  'nonce',
  'method',
  'path',
  'path_decoded',
  'query',
  'authority',
  'key_id',
  'body_sha256',
  'body',
];
const PART = /\{(\w*)\}/g;
const LINE = 'v1:{timestamp}:{nonce}:{method}:{path}{query}:{body_sha256}';

/** The parts that stand in a line. */
export const used = (line: string): string[] => [...line.matchAll(PART)].map(([, name]) => name ?? '');

/** The options of how it is signed. */
export const hmacFields = {
  message: z
    .string()
    .refine((line) => used(line).every((name) => PARTS.includes(name)), {
      error: `knows ${PARTS.map((name) => `{${name}}`).join(' ')} and no other`,
    })
    .refine(
      (line) => used(line).includes('timestamp'),
      'needs {timestamp}: without it a message is good for ever',
    )
    .meta({ description: 'The text that is signed. `{nonce}` is sent only if it stands here.' })
    .prefault(LINE),
  headers: z
    .strictObject({
      key: headerName('x-api-key-id', 'Has the id of the key.'),
      timestamp: headerName('x-timestamp', 'Has the time of signing.'),
      nonce: headerName('x-nonce', 'Has the nonce.'),
      signature: headerName('x-signature', 'Has the signature.'),
    })
    .refine(areDistinct, DISTINCT)
    .meta({ description: 'The names of the headers.' })
    .prefault({}),
  timestamp: z
    .enum(['seconds', 'milliseconds', 'rfc3339'])
    .meta({ description: 'How the time is written: since the epoch, or as `2027-01-31T08:00:00Z`.' })
    .prefault('seconds'),
  signature: z.enum(['hex', 'base64']).meta({ description: 'How the signature is written.' }).prefault('hex'),
  prefix: z
    .string()
    .regex(/^(?:[\x21-\x7e][\x20-\x7e]{0,63})?$/, 'must be ASCII, and begin with a visible character')
    .meta({ description: 'What stands before the signature in its header.', examples: ['sha256=', 'HMAC '] })
    .prefault(''),
  key_min: z
    .int()
    .min(1)
    .meta({ description: 'Fewest bytes of a secret. Lower it only for a server whose keys are shorter.' })
    .prefault(32),
};

export const hmacSchema = z
  .strictObject({
    scheme: z.literal('hmac-v1'),
    keys: ring(z.strictObject({ ...secretFields, ...dates }), ({ id }) => id),
    ...hmacFields,
  })
  .superRefine(({ keys, key_min }, context) => judgeSecrets(keys, key_min, context));

/** How a message is signed: all of the options but the keys. */
export type HmacForm = Omit<z.output<typeof hmacSchema>, 'scheme' | 'keys' | 'key_min'>;
export type HmacKey = Named & Secret;

/** The form that is meant where nothing else is written. */
export const HMAC_FORM: HmacForm = {
  message: LINE,
  headers: { key: 'x-api-key-id', timestamp: 'x-timestamp', nonce: 'x-nonce', signature: 'x-signature' },
  timestamp: 'seconds',
  signature: 'hex',
  prefix: '',
};

/** The headers that sign a message. */
export function signHmac(
  message: Message,
  form: HmacForm,
  keys: readonly HmacKey[],
  now: number,
  nonce: string = newNonce(),
): Record<string, string> {
  const key = newestKey(keys, now);
  const { headers } = form;
  const timestamp = timestampOf(form.timestamp, now);
  const signature = mac(key, lineOf(message, form, { timestamp, nonce, key_id: key.id })).toString(
    form.signature,
  );
  return {
    [headers.key]: key.id,
    [headers.timestamp]: timestamp,
    ...(used(form.message).includes('nonce') && { [headers.nonce]: nonce }),
    [headers.signature]: form.prefix + signature,
  };
}

export interface HmacRule<K> extends Rule<K> {
  readonly form: HmacForm;
}

/**
 * Verifies a message.
 * @returns the key it is signed with
 * @throws Refused
 */
export function verifyHmac<K extends HmacKey>(message: Message, rule: HmacRule<K>): K {
  const { form, keys, now, skew } = rule;
  const { headers } = form;
  const key = keyNamed(keys, headerOf(message, headers.key), now);
  const timestamp = headerOf(message, headers.timestamp);
  requireRecent(timeOf(form.timestamp, timestamp), rule);
  const hasNonce = used(form.message).includes('nonce');
  const nonce = hasNonce ? headerOf(message, headers.nonce) : '';
  require(!hasNonce || /^[\w.~-]{16,128}$/.test(nonce), 'header_invalid');
  const given = signatureIn(headerOf(message, headers.signature), form);
  const wanted = mac(key, lineOf(message, form, { timestamp, nonce, key_id: key.id }));
  require(isSame(given, wanted), 'signature_wrong');
  if (hasNonce) requireNew(rule, key, nonce, 2 * skew);
  return key;
}

function lineOf(
  { method, url, body }: Message,
  form: HmacForm,
  own: { timestamp: string; nonce: string; key_id: string },
): string {
  const { pathname, search, host } = new URL(url);
  const values: Record<string, string> = {
    ...own,
    method,
    path: pathname,
    path_decoded: decoded(pathname),
    query: search,
    authority: host,
    body_sha256: createHash('sha256').update(body).digest('hex'),
    body,
  };
  return form.message.replace(PART, (_, name: string) => values[name] ?? '');
}

/** The path as servers see it that take the escapes away; one that cannot be decoded stays as it is. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function mac(key: HmacKey, line: string): Buffer {
  return createHmac('sha256', bytesOf(key) ?? '')
    .update(line)
    .digest();
}

function timestampOf(form: HmacForm['timestamp'], now: number): string {
  if (form === 'milliseconds') return String(now);
  const seconds = Math.trunc(now / 1000);
  return form === 'seconds' ? String(seconds) : new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** @throws Refused when the text is not how this time is written */
function timeOf(form: HmacForm['timestamp'], text: string): number {
  const time = form === 'rfc3339' ? Date.parse(text) : Number(text) * (form === 'seconds' ? 1000 : 1);
  require(Number.isSafeInteger(time) && text === timestampOf(form, time), 'header_invalid');
  return time;
}

function signatureIn(value: string, { prefix, signature }: HmacForm): Buffer {
  require(value.startsWith(prefix), 'header_invalid');
  const text = value.slice(prefix.length);
  if (signature === 'base64') return fromBase64(text);
  require(/^[0-9a-f]{64}$/.test(text), 'header_invalid');
  return Buffer.from(text, 'hex');
}
