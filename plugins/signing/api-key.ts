// The scheme `api-key`: a key, and a secret where there is one, in headers. It proves who sends and nothing of what.

import { z } from '../../src/plugin.ts';
import { type Dated, dates, newestKey, ring, validKeys } from '../signatures/keys.ts';
import { headerOf, isSame, type Message, require } from '../signatures/message.ts';
import { areDistinct, DISTINCT, headerName } from '../signatures/names.ts';

const value = () => z.string().regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, 'cannot stand in a header');

export const apiKeySchema = z.strictObject({
  scheme: z.literal('api-key'),
  keys: ring(
    z.strictObject({
      api_key: value().meta({ description: 'The key. Write a reference.' }),
      api_secret: value().optional().meta({ description: 'The secret. Default: none is sent.' }),
      ...dates,
    }),
    ({ api_key }) => api_key,
  ),
  headers: z
    .strictObject({
      key: headerName('x-api-key', 'Has the key.'),
      secret: headerName('x-api-secret', 'Has the secret.'),
    })
    .refine(areDistinct, DISTINCT)
    .meta({ description: 'The names of the headers.' })
    .prefault({}),
});

export type ApiKeyHeaders = z.output<typeof apiKeySchema>['headers'];

export interface ApiKey extends Dated {
  readonly api_key: string;
  readonly api_secret?: string | undefined;
}

export function signApiKey(
  headers: ApiKeyHeaders,
  keys: readonly ApiKey[],
  now: number,
): Record<string, string> {
  const { api_key, api_secret } = newestKey(keys, now);
  return { [headers.key]: api_key, ...(api_secret !== undefined && { [headers.secret]: api_secret }) };
}

/**
 * Verifies a message.
 * @throws Refused
 */
export function verifyApiKey(
  message: Message,
  { headers, keys, now }: { headers: ApiKeyHeaders; keys: readonly ApiKey[]; now: number },
): void {
  const given = headerOf(message, headers.key);
  const secret = keys.some(({ api_secret }) => api_secret !== undefined)
    ? headerOf(message, headers.secret)
    : undefined;
  // All are compared: how long it takes does not tell which one was nearly right.
  const fits = validKeys(keys, now).filter(
    ({ api_key, api_secret }) =>
      isSame(api_key, given) && (api_secret === undefined || isSame(api_secret, secret ?? '')),
  );
  require(fits.length > 0, 'signature_wrong');
}
