// The scheme `rfc9421`: HTTP Message Signatures, with Content-Digest over the body.

import type { BareItem } from 'structured-headers';
import { duration, z } from '../../src/plugin.ts';
import { ALGORITHMS, type Algorithm, type Material, misfit, signBase } from './algorithms.ts';
import { baseOf, inputOf } from './base.ts';
import { bytesUnder } from './dictionary.ts';
import { contentDigest, type DigestAlgorithm } from './digest.ts';
import { dates, type Named, newestKey, ring } from './keys.ts';
import type { Message } from './message.ts';
import { newNonce } from './nonces.ts';
import { bytesOf, judgeSecrets, privateKeyOf, secretFields } from './secrets.ts';

export const DERIVED = ['@method', '@authority', '@scheme', '@target-uri', '@path', '@query'];
export const COMPONENTS = [
  ...['@method', '@authority', '@path', '@query'],
  ...['content-digest', 'content-type', 'mcp-*', 'last-event-id'],
];

/** One of what a signature covers: a header, or what a request has beside its headers. */
export const component = z
  .string()
  .regex(/^(?:@[a-z-]+|[a-z0-9!#$%&'+.^_`|~-]+\*?)$/, 'must be a header in lower case, or begin with "@"')
  .refine((name) => !name.startsWith('@') || DERIVED.includes(name), `"@" begins ${DERIVED.join(', ')} alone`)
  .refine(
    (name) => !/^(?:signature|signature-input|host|content-length|connection)$/.test(name),
    'cannot be covered',
  );

const keyFields = z.strictObject({
  id: secretFields.id,
  secret: secretFields.secret
    .optional()
    .meta({ description: 'The shared secret of `hmac-sha256`. Write a reference.' }),
  encoding: secretFields.encoding,
  private_key: z.string().optional().meta({
    description: 'The private key of the other algorithms, in PEM (PKCS #8 or SEC 1). Write a reference.',
  }),
  ...dates,
});
type KeyFields = z.output<typeof keyFields>;

export const rfc9421Schema = z
  .strictObject({
    scheme: z.literal('rfc9421'),
    algorithm: z.enum(ALGORITHMS).meta({ description: 'How it is signed.' }).prefault('hmac-sha256'),
    keys: ring(keyFields, ({ id }) => id),
    components: z
      .array(component)
      .min(1)
      .refine((names) => new Set(names).size === names.length, 'the same component twice')
      .refine((names) => names.includes('@method'), 'must have @method')
      .refine(
        (names) => names.includes('@target-uri') || (names.includes('@path') && names.includes('@authority')),
        'must have @target-uri, or @authority and @path',
      )
      .refine(
        (names) => names.includes('content-digest'),
        'must have content-digest: nothing else covers the body',
      )
      .meta({
        description:
          'What is signed. `mcp-*` is every header that begins so; headers a message does not have are left out.',
      })
      .prefault(COMPONENTS),
    digest: z
      .enum(['sha-256', 'sha-512'])
      .meta({ description: 'The algorithm of Content-Digest.' })
      .prefault('sha-256'),
    expires: duration('300s', { description: 'How long a signature is good for.' }, 1_000),
    label: z
      .string()
      .regex(/^[a-z*][a-z0-9_.*-]{0,63}$/, 'must be lower-case letters, digits, "_", "-", "." or "*"')
      .meta({ description: 'The name of the signature in its headers.' })
      .prefault('sig1'),
    tag: z
      .string()
      .regex(/^[\x20-\x7e]{1,256}$/, 'must be ASCII')
      .optional()
      .meta({ description: 'The `tag` of the signature. Default: none.' }),
    key_min: z
      .int()
      .min(1)
      .meta({ description: 'Fewest bytes of a secret. Lower it only for a server whose keys are shorter.' })
      .prefault(32),
  })
  .superRefine(({ algorithm, keys, key_min }, context) => {
    const problem = (at: number, field: 'secret' | 'private_key', message: string): void =>
      context.addIssue({ code: 'custom', path: ['keys', at, field], message });
    const [wanted, other] =
      algorithm === 'hmac-sha256'
        ? (['secret', 'private_key'] as const)
        : (['private_key', 'secret'] as const);
    for (const [at, key] of keys.entries()) {
      if (key[other] !== undefined) problem(at, other, `${algorithm} has no ${other}`);
      if (key[wanted] === undefined) problem(at, wanted, `${algorithm} needs a ${wanted}`);
      else if (wanted === 'private_key') {
        const wrong = wrongKey(algorithm, key.private_key ?? '');
        if (wrong) problem(at, wanted, `the private key ${wrong}`);
      }
    }
    if (algorithm === 'hmac-sha256' && keys.every(hasSecret)) judgeSecrets(keys, key_min, context);
  });

function wrongKey(algorithm: Algorithm, pem: string): string | undefined {
  const key = privateKeyOf(pem);
  return key === undefined ? 'cannot be read: it is no PEM, or it is encrypted' : misfit(algorithm, key);
}

function hasSecret(key: KeyFields): key is KeyFields & { secret: string } {
  return key.secret !== undefined;
}

export interface Form {
  readonly algorithm: Algorithm;
  readonly components: readonly string[];
  readonly digest: DigestAlgorithm;
  /** Milliseconds. */
  readonly expires: number;
  readonly label: string;
  readonly tag?: string | undefined;
}

export interface SigningKey extends Named {
  readonly material: Material;
}

/** The keys of an entry, read once. */
export function signingKeys({ keys }: z.output<typeof rfc9421Schema>): SigningKey[] {
  return keys.flatMap((key) => {
    const material = hasSecret(key) ? bytesOf(key) : privateKeyOf(key.private_key ?? '');
    return material === undefined ? [] : [{ ...key, material }];
  });
}

/** The headers that sign a message. */
export function signRfc9421(
  message: Message,
  form: Form,
  keys: readonly SigningKey[],
  now: number,
  nonce: string = newNonce(),
): Record<string, string> {
  const key = newestKey(keys, now);
  const digest = message.body === '' ? {} : { 'content-digest': contentDigest(form.digest, message.body) };
  const { 'content-digest': _, ...others } = message.headers;
  const headers = { ...others, ...digest };
  const components = covered(form.components, headers);
  const created = Math.trunc(now / 1000);
  const parameters = new Map<string, BareItem>([
    ['created', created],
    ['expires', created + Math.ceil(form.expires / 1000)],
    ['nonce', nonce],
    ['keyid', key.id],
    ...(form.tag === undefined ? [] : [['tag', form.tag] as const]),
  ]);
  const input = inputOf(components, parameters);
  const signature = signBase(
    form.algorithm,
    key.material,
    baseOf({ ...message, headers }, components, input),
  );
  return {
    ...digest,
    'signature-input': `${form.label}=${input}`,
    signature: bytesUnder(form.label, signature),
  };
}

/** The components a message has, in the order of the list; those a `*` stands for by name. */
export function covered(list: readonly string[], headers: Readonly<Record<string, string>>): string[] {
  const all = list.flatMap((name) => {
    if (name.startsWith('@')) return [name];
    if (!name.endsWith('*')) return Object.hasOwn(headers, name) ? [name] : [];
    const begin = name.slice(0, -1);
    return Object.keys(headers)
      .filter((header) => header.startsWith(begin) && !header.startsWith('signature'))
      .sort();
  });
  return [...new Set(all)];
}
