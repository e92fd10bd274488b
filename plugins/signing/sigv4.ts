// The scheme `aws-sigv4`, as AWS's own library makes it.

import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { z } from '../../src/plugin.ts';
import { dates, type Named, newestKey, ring } from '../signatures/keys.ts';
import type { Message } from '../signatures/message.ts';
import { secretFields } from '../signatures/secrets.ts';

const word = (description: string) =>
  z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, 'must be lower-case letters, digits and "-"')
    .meta({ description });

export const sigv4Schema = z.strictObject({
  scheme: z.literal('aws-sigv4'),
  region: word('The region, such as `eu-central-1`.'),
  service: word('The name the service signs under, such as `bedrock-agentcore` or `execute-api`.'),
  keys: ring(
    z.strictObject({
      id: z
        .string()
        .regex(/^\w{1,128}$/, 'must be letters and digits')
        .meta({ description: 'The access key id.' }),
      secret: secretFields.secret.meta({ description: 'The secret access key. Write a reference.' }),
      session_token: z
        .string()
        .min(1)
        .optional()
        .meta({ description: 'The session token of temporary credentials. Write a reference.' }),
      ...dates,
    }),
    ({ id }) => id,
  ),
});

export interface Scope {
  readonly region: string;
  readonly service: string;
}

export interface AwsKey extends Named {
  readonly secret: string;
  readonly session_token?: string | undefined;
}

/** These take the path as it is; every other service escapes what is escaped once more. */
const PATH_AS_IS = /^s3(?:express|-object-lambda|-outposts)?$/;

/**
 * What is otherwise for the published vectors alone: whether the hash of the body is sent, too (AWS takes both; without
 * it nothing says which body was meant), and whether the service takes the path as it is.
 */
export interface Variant {
  readonly checksum?: boolean;
  readonly pathAsIs?: boolean;
}

/** The headers that sign a message. */
export async function signSigv4(
  message: Message,
  scope: Scope,
  keys: readonly AwsKey[],
  now: number,
  variant: Variant = {},
): Promise<Record<string, string>> {
  const headers = await signed(message, scope, newestKey(keys, now), new Date(now), variant);
  return Object.fromEntries(
    Object.entries(headers).filter(([name, value]) => name !== 'host' && message.headers[name] !== value),
  );
}

/** All headers of the message, once it is signed. */
async function signed(
  { method, url, headers, body }: Message,
  { region, service }: Scope,
  { id, secret, session_token }: AwsKey,
  at: Date,
  { checksum = true, pathAsIs = PATH_AS_IS.test(service) }: Variant,
): Promise<Readonly<Record<string, string>>> {
  const { host, hostname, protocol, pathname, search } = new URL(url);
  // The library would take a hash that is there already for that of the body.
  const { 'x-amz-content-sha256': _, ...others } = headers;
  const signer = new SignatureV4({
    region,
    service,
    sha256: Sha256,
    applyChecksum: checksum,
    uriEscapePath: !pathAsIs,
    credentials: {
      accessKeyId: id,
      secretAccessKey: secret,
      ...(session_token !== undefined && { sessionToken: session_token }),
    },
  });
  const request = { method, protocol, hostname, path: pathname, query: queryOf(search), body };
  const result = await signer.sign({ ...request, headers: { ...others, host } }, { signingDate: at });
  return result.headers;
}

/** Whether the query of a URL has a meaning for every reader. */
export function canSignQuery(url: string): boolean {
  try {
    queryOf(URL.canParse(url) ? new URL(url).search : '');
    return true;
  } catch {
    return false;
  }
}

/** Not URLSearchParams: to AWS a plus is a plus. */
function queryOf(search: string): Record<string, string[]> {
  const query: Record<string, string[]> = Object.create(null);
  for (const pair of search.slice(1).split('&').filter(Boolean)) {
    const at = pair.includes('=') ? pair.indexOf('=') : pair.length;
    const name = decodeURIComponent(pair.slice(0, at));
    query[name] = [...(query[name] ?? []), decodeURIComponent(pair.slice(at + 1))];
  }
  return query;
}

/** What the library wants of a hash. */
class Sha256 {
  #hash: Hash | Hmac;
  readonly #secret: string | Uint8Array | undefined;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret =
      secret === undefined || typeof secret === 'string'
        ? secret
        : ArrayBuffer.isView(secret)
          ? new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength)
          : new Uint8Array(secret);
    this.#hash = this.#begin();
  }

  #begin(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret);
  }

  reset(): void {
    this.#hash = this.#begin();
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest());
  }
}
