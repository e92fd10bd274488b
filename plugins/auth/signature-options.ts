// The options of `signatures`: a ring of keys for each scheme, each key with whom it stands for.

import { createPublicKey, type KeyObject } from 'node:crypto';
import { duration, z } from '../../src/plugin.ts';
import { ALGORITHMS, misfit } from '../signatures/algorithms.ts';
import { hmacFields, used } from '../signatures/hmac-v1.ts';
import { dates, ring } from '../signatures/keys.ts';
import { component } from '../signatures/rfc9421.ts';
import { bytesOf, judgeSecrets, secretFields } from '../signatures/secrets.ts';
import { webhookHeaders, webhookSecret } from '../signatures/webhooks.ts';
import { type Space, whomFields } from './whom.ts';

/** Ids of keys are chosen for the keys of one ring: the same one in another is another caller. */
const whom = (scheme: Space) => whomFields(`\`${scheme}:\` and the id of the key`);

const hmac = z
  .strictObject({
    keys: ring(z.strictObject({ ...secretFields, ...whom('hmac-v1'), ...dates }), ({ id }) => id),
    ...hmacFields,
    message: hmacFields.message.refine(isTight, {
      error:
        'must have {timestamp}, {nonce}, {method}, {path}, {query} and {body_sha256}, with something between any two but {path}{query}, and neither {body} nor {path_decoded}: else one signature is good for several messages',
    }),
  })
  .superRefine(({ keys, key_min }, context) => judgeSecrets(keys, key_min, context));

/** Whether the text is another one for every other message. */
function isTight(line: string): boolean {
  const parts = used(line);
  const needed = ['timestamp', 'nonce', 'method', 'path', 'query', 'body_sha256'];
  return (
    needed.every((name) => parts.includes(name)) &&
    // What is free to have line ends and colons of its own.
    !parts.includes('body') &&
    !parts.includes('path_decoded') &&
    !line.replace('{path}{query}', '{path}').includes('}{')
  );
}

const keyFields = z.strictObject({
  id: secretFields.id,
  algorithm: z.enum(ALGORITHMS).meta({ description: 'How it signs.' }).prefault('hmac-sha256'),
  secret: secretFields.secret
    .optional()
    .meta({ description: 'The shared secret of `hmac-sha256`. Write a reference.' }),
  encoding: secretFields.encoding,
  public_key: z.string().optional().meta({ description: 'The public key of the other algorithms, in PEM.' }),
  ...whom('rfc9421'),
  ...dates,
});

const rfc9421 = z
  .strictObject({
    keys: ring(keyFields, ({ id }) => id),
    components: z
      .array(component)
      .meta({
        description:
          'What else has to be covered, as far as a request has it. Method, place, body, its type, every `mcp-*` header and `last-event-id` always have to be.',
      })
      .prefault([]),
    longest: duration('300s', { description: 'The longest a signature may be good for.' }, 1_000),
    tag: z
      .string()
      .regex(/^[\x20-\x7e]{1,256}$/, 'must be ASCII')
      .optional()
      .meta({ description: 'The `tag` a signature has to have. Default: it must have none.' }),
    key_min: hmacFields.key_min,
  })
  .superRefine(({ keys, key_min }, context) => {
    const problem = (at: number, field: 'secret' | 'public_key', message: string): void =>
      context.addIssue({ code: 'custom', path: ['keys', at, field], message });
    for (const [at, key] of keys.entries()) {
      const { algorithm } = key;
      const [wanted, other] =
        algorithm === 'hmac-sha256'
          ? (['secret', 'public_key'] as const)
          : (['public_key', 'secret'] as const);
      if (key[other] !== undefined) problem(at, other, `${algorithm} has no ${other}`);
      if (key[wanted] === undefined) problem(at, wanted, `${algorithm} needs a ${wanted}`);
      else if (key.public_key !== undefined) {
        const read = publicKeyOf(key.public_key);
        const wrong = read ? misfit(algorithm, read) : 'cannot be read: it is no public key in PEM';
        if (wrong) problem(at, 'public_key', `the public key ${wrong}`);
      }
    }
    const secrets = keys.map(({ secret = '', encoding }) => ({ secret, encoding }));
    judgeSecrets(secrets, key_min, context, (at) => keys[at]?.secret !== undefined);
  });

/** A public key in PEM, or that of a certificate; undefined when it is none, or a private one, which stays with its owner. */
export function publicKeyOf(pem: string): KeyObject | undefined {
  if (/PRIVATE KEY-----/.test(pem)) return undefined;
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}

/** What a key of `rfc9421` verifies with. */
export function materialOf(key: z.output<typeof keyFields>) {
  return key.secret === undefined
    ? publicKeyOf(key.public_key ?? '')
    : bytesOf({ ...key, secret: key.secret });
}

const webhooks = z.strictObject({
  keys: ring(
    z.strictObject({
      id: secretFields.id.meta({ description: 'A name for people. It is not sent.' }),
      secret: webhookSecret,
      ...whom('standard-webhooks'),
      ...dates,
    }),
    ({ id }) => id,
  ),
  headers: webhookHeaders,
});

const SCHEMES = ['rfc9421', 'hmac-v1', 'standard-webhooks'] as const;

export const signaturesSchema = z
  .strictObject({
    rfc9421: rfc9421
      .optional()
      .meta({ description: 'HTTP Message Signatures (RFC 9421) with Content-Digest.' }),
    'hmac-v1': hmac
      .optional()
      .meta({ description: 'An HMAC over time, nonce, method, path, query and body.' }),
    'standard-webhooks': webhooks
      .optional()
      .meta({ description: 'Standard Webhooks: posts alone, since nothing but the body is covered.' }),
    skew: duration('60s', { description: 'How far the clocks may be apart; 10m at most.' }, 0, 600_000),
    nonces: z
      .int()
      .min(1)
      .meta({ description: 'Most nonces remembered for one key; beyond that, what it signs is refused.' })
      .prefault(200_000),
  })
  .refine((options) => SCHEMES.some((scheme) => options[scheme] !== undefined), {
    error: `needs one of ${SCHEMES.join(', ')}`,
  })
  .meta({ description: 'Callers who sign their requests.' });

export type SignaturesOptions = z.output<typeof signaturesSchema>;
