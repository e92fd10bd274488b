// Secrets and keys as they stand in gateway.yaml, and the bytes they stand for. No error repeats one.

import { createPrivateKey, type KeyObject } from 'node:crypto';
import { z } from '../../src/plugin.ts';

const encoding = z
  .enum(['text', 'base64', 'hex'])
  .meta({ description: 'How `secret` is written: as it is, or as Base64 or hexadecimal of its bytes.' })
  .prefault('text');

export const secretFields = {
  id: z
    .string()
    .regex(/^[\x21-\x7e]{1,256}$/, 'must be 1 to 256 visible ASCII characters')
    .meta({ description: 'The name the server knows the key by.' }),
  secret: z.string().min(1).meta({ description: 'The shared secret. Write a reference.' }),
  encoding,
};

export interface Secret {
  readonly secret: string;
  readonly encoding: z.output<typeof encoding>;
}

/** The bytes of a secret; undefined when it is not written in its encoding. */
export function bytesOf({ secret, encoding }: Secret): Buffer | undefined {
  if (encoding === 'text') return Buffer.from(secret);
  const bytes = Buffer.from(secret, encoding);
  const again = bytes.toString(encoding);
  const same = encoding === 'hex' ? again === secret.toLowerCase() : again === secret;
  return same && bytes.length > 0 ? bytes : undefined;
}

/**
 * A problem for every secret that is not what its encoding says, or has fewer bytes than `least`.
 * @param isThere whether the key at a place has one
 */
export function judgeSecrets(
  keys: readonly Secret[],
  least: number,
  context: z.core.$RefinementCtx<unknown>,
  isThere: (at: number) => boolean = () => true,
): void {
  for (const [at, key] of keys.entries()) {
    if (!isThere(at)) continue;
    const bytes = bytesOf(key);
    const problem =
      bytes === undefined
        ? `is not ${key.encoding === 'hex' ? 'hexadecimal' : 'Base64'}`
        : bytes.length < least
          ? `has ${bytes.length} bytes, at least ${least} are wanted`
          : undefined;
    if (problem !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['keys', at, 'secret'],
        message: `the secret ${problem}`,
        input: undefined,
      });
  }
}

/** A private key in PEM (PKCS #8 or SEC 1); undefined when it is none, or is encrypted. */
export function privateKeyOf(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
