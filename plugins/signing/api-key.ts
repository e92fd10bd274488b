// The scheme `api-key`: a key, and a secret where there is one, in headers. It proves who sends and nothing of what.

import { z } from '../../src/plugin.ts';
import { type Dated, dates, newestKey, ring } from '../signatures/keys.ts';
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
