// The scheme `standard-webhooks`, v1: an HMAC over id, time and body. While keys overlap every valid one signs, as
// the scheme has no name for keys: https://www.standardwebhooks.com

import { createHmac, randomBytes } from 'node:crypto';
import { z } from '../../src/plugin.ts';
import { type Dated, dates, newestKey, ring, validKeys } from './keys.ts';
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
import { bytesOf, secretFields } from './secrets.ts';

const PREFIX = 'whsec_';
/** Bytes of a key, as the scheme has it. */
const [LEAST, MOST] = [24, 64];

export const webhookSecret = z
  .string()
  .refine(
    (text) => keyOf(text) !== undefined,
    `must be ${PREFIX} and the Base64 of ${LEAST} to ${MOST} bytes`,
  )
  .meta({ description: `The secret: \`${PREFIX}\` and Base64. Write a reference.` });

/** The names of the headers. */
export const webhookHeaders = z
  .strictObject({
    id: headerName('webhook-id', 'Has the id of the message.'),
    timestamp: headerName('webhook-timestamp', 'Has the time of signing.'),
    signature: headerName('webhook-signature', 'Has the signatures.'),
  })
  .refine(areDistinct, DISTINCT)
  .meta({ description: 'The names of the headers.' })
  .prefault({});

export const webhooksSchema = z.strictObject({
  scheme: z.literal('standard-webhooks'),
  keys: ring(
    z.strictObject({
      id: secretFields.id.meta({ description: 'A name for people. It is not sent.' }),
      secret: webhookSecret,
      ...dates,
    }),
    ({ id }) => id,
  ),
  headers: webhookHeaders,
});

export type WebhookHeaders = z.output<typeof webhooksSchema>['headers'];
export const WEBHOOK_HEADERS: WebhookHeaders = {
  id: 'webhook-id',
  timestamp: 'webhook-timestamp',
  signature: 'webhook-signature',
};

export interface WebhookKey extends Dated {
  readonly secret: string;
}

export function signWebhook(
  { body }: Pick<Message, 'body'>,
  headers: WebhookHeaders,
  keys: readonly WebhookKey[],
  now: number,
  id = `msg_${randomBytes(18).toString('base64url')}`,
): Record<string, string> {
  newestKey(keys, now);
  const timestamp = String(Math.trunc(now / 1000));
  const signatures = validKeys(keys, now).map(
    (key) => `v1,${mac(key, id, timestamp, body).toString('base64')}`,
  );
  return { [headers.id]: id, [headers.timestamp]: timestamp, [headers.signature]: signatures.join(' ') };
}

export interface WebhookRule<K> extends Rule<K> {
  readonly headers: WebhookHeaders;
}

/**
 * Verifies a message.
 * @returns the key it is signed with
 * @throws Refused
 */
export function verifyWebhook<K extends WebhookKey>(message: Message, rule: WebhookRule<K>): K {
  const { headers, keys, now, skew } = rule;
  const id = headerOf(message, headers.id);
  require(/^[\x21-\x2d\x2f-\x7e]{1,256}$/.test(id), 'header_invalid');
  const timestamp = headerOf(message, headers.timestamp);
  require(/^(?:0|[1-9]\d{0,14})$/.test(timestamp), 'header_invalid');
  requireRecent(Number(timestamp) * 1000, rule);
  // Other versions stand beside ours.
  const signatures = headerOf(message, headers.signature).split(' ');
  require(signatures.every((one) => /^v\d+a?,./.test(one)), 'header_invalid');
  const given = signatures.filter((one) => one.startsWith('v1,')).map((one) => fromBase64(one.slice(3)));
  // All are compared: how long it takes does not tell which key was the right one.
  const [key] = validKeys(keys, now).filter((one) => {
    const wanted = mac(one, id, timestamp, message.body);
    return given.filter((other) => isSame(wanted, other)).length > 0;
  });
  require(key !== undefined, 'signature_wrong');
  requireNew(rule, key, id, 2 * skew);
  return key;
}

function mac({ secret }: WebhookKey, id: string, timestamp: string, body: string): Buffer {
  return createHmac('sha256', keyOf(secret) ?? '')
    .update(`${id}.${timestamp}.${body}`)
    .digest();
}

function keyOf(text: string): Buffer | undefined {
  if (!text.startsWith(PREFIX)) return undefined;
  const bytes = bytesOf({ secret: text.slice(PREFIX.length), encoding: 'base64' });
  return bytes !== undefined && bytes.length >= LEAST && bytes.length <= MOST ? bytes : undefined;
}
