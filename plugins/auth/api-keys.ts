// API keys: those of the key file, found by the id in them, and those that stand in gateway.yaml. Neither is found by
// comparing it with one after the other, and no comparison ends sooner for a key that is nearly right.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { resolve } from 'node:path';
import { type EntryPlace, type OptionProblem, type Principal, z } from '../../src/plugin.ts';
import { type Host, type Method, refused, unavailable, type Verdict } from './attempt.ts';
import { principalId, rights } from './key-entry.ts';
import { KEY_FILE, KeyFileError, readKeys } from './key-file.ts';
import { digestOfKey, idOfKey, looksLikeKey } from './key-text.ts';
import { LiveKeys } from './live-keys.ts';

const keyText = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII characters')
  .min(32, 'a key has at least 32 characters: `openssl rand -hex 32` makes one')
  .refine((text) => !looksLikeKey(text) || idOfKey(text) !== undefined, {
    error: 'begins like a key of `sluice token mint` and is none: some of it is missing, or mistyped',
  })
  .meta({ description: 'The key. Write a reference.' });

const written = z.strictObject({ key: keyText, id: principalId, ...rights });

export const apiKeysSchema = z.strictObject({
  bearer: z
    .boolean()
    .meta({ description: 'Whether keys are taken from `Authorization: Bearer`.' })
    .prefault(true),
  header: z
    .string()
    .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'not the name of a header')
    .refine((text) => text.toLowerCase() !== 'authorization', {
      error: 'that header is what `bearer` is for',
    })
    .transform((text) => text.toLowerCase())
    .meta({ description: 'Another header that keys are taken from, or `off`.', examples: ['x-api-key'] })
    .prefault('x-api-key'),
  file: z
    .string()
    .min(1)
    .meta({
      description: `The file of \`sluice token\`, from the state directory on, or \`off\`. Default: \`${KEY_FILE}\` there.`,
    })
    .prefault(KEY_FILE),
  keys: z
    .array(written)
    .superRefine((keys, context) => {
      for (const [at, { key }] of keys.entries())
        if (keys.findIndex((other) => other.key === key) !== at)
          context.addIssue({
            code: 'custom',
            path: [at, 'key'],
            message: 'stands above already',
            input: undefined,
          });
    })
    .meta({ description: 'Keys beside those of the file.' })
    .prefault([]),
});

export type ApiKeyOptions = z.output<typeof apiKeysSchema>;

type Written = z.output<typeof written>;

/** What is wrong with them, or with the file as it is now. */
export function checkApiKeys(options: ApiKeyOptions, { stateDir, now }: EntryPlace): OptionProblem[] {
  const { bearer, header, file, keys } = options;
  const problems = keys.flatMap(({ expires }, at): OptionProblem[] =>
    expires === undefined || now() < Date.parse(expires)
      ? []
      : [{ path: ['api_keys', 'keys', at, 'expires'], message: 'this key has expired', severity: 'warning' }],
  );
  if (!bearer && header === 'off')
    problems.push({
      path: ['api_keys'],
      message: 'keys come in no header',
      hint: 'set `bearer` or `header`',
    });
  if (file === 'off') {
    const hint = 'write `keys`, or leave `file` as it is';
    if (keys.length === 0) problems.push({ path: ['api_keys'], message: 'there is no key', hint });
  } else if (stateDir !== undefined) problems.push(...checkFile(resolve(stateDir, file), keys.length));
  return problems;
}

function checkFile(path: string, others: number): OptionProblem[] {
  try {
    if (readKeys(path).length + others > 0) return [];
    const message = 'there is no key yet, so nobody gets in by one';
    return [{ path: ['api_keys'], message, hint: 'sluice token mint NAME', severity: 'warning' }];
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error;
    return [{ path: ['api_keys'], message: error.message, hint: error.hint }];
  }
}

/** @throws Error when the file is there and cannot be read */
export function apiKeys(options: ApiKeyOptions, host: Host): Method {
  const { bearer, header } = options;
  const live = liveKeys(options, host);
  const ownKeys = writtenKeys(options.keys);
  const judge = (key: string, now: number): Verdict => ownKeys(key, now) ?? ofFile(key, live, now);
  return {
    name: 'api_keys',
    headers: header === 'off' ? [] : [header],
    // Where they come as bearer tokens the entry says so.
    challenge: () => (bearer ? undefined : `ApiKey header="${header}"`),
    verify({ headers, authorization, now }) {
      const carries = authorization?.scheme === 'bearer' || authorization?.scheme === 'dpop';
      const key = header === 'off' ? null : headers.get(header);
      if (key !== null) return carries ? refused('two_credentials', 'invalid_request') : judge(key, now);
      if (!bearer || authorization?.scheme !== 'bearer') return undefined;
      const { credentials } = authorization;
      // Others have tokens as well: one that is no key of ours is theirs to judge.
      return looksLikeKey(credentials) ? judge(credentials, now) : ownKeys(credentials, now);
    },
  };
}

function liveKeys({ file }: ApiKeyOptions, host: Host): LiveKeys | undefined {
  const { stateDir, log, now } = host;
  if (file === 'off' || stateDir === undefined) return undefined;
  const path = resolve(stateDir, file);
  // Over reloads, for streams that go on.
  const live = host.keep(
    `keys of ${path}`,
    () => new LiveKeys(path, log, now),
    (kept) => kept.close(),
  );
  live.inForce.enter(host);
  return live;
}

const wrong = (reason: string): Verdict => refused(reason, 'invalid_token');

function ofFile(key: string, live: LiveKeys | undefined, now: number): Verdict {
  const id = idOfKey(key);
  if (id === undefined) return wrong('key_malformed');
  if (live === undefined) return wrong('key_unknown');
  if (!live.isKnown) return unavailable('key_file');
  const known = live.find(id);
  // Of an unknown key as much is done as of a known one (bench/key-timing.ts).
  const isSame = timingSafeEqual(digestOfKey(key), known?.digest ?? NONE);
  if (known === undefined || !isSame) return wrong('key_unknown');
  const { entry } = known;
  if (entry.revoked !== undefined) return wrong('key_revoked');
  return found(entry.principal, entry, now, live.ends(entry));
}

const NONE = randomBytes(32);

function found(id: string, rights: Omit<Written, 'key' | 'id'>, now: number, ends?: AbortSignal): Verdict {
  const { tenant, scopes, groups } = rights;
  const expires = rights.expires === undefined ? undefined : Date.parse(rights.expires);
  if (expires !== undefined && expires <= now) return wrong('key_expired');
  const principal: Principal = {
    id,
    ...(tenant !== undefined && { tenant }),
    scopes,
    groups,
    ...(expires !== undefined && { expires }),
    ...(ends !== undefined && { ends }),
  };
  return { kind: 'found', principal };
}

/**
 * Keys of gateway.yaml by a digest that nobody outside of this process can compute, so that what the look-up compares
 * tells nothing of how near a key comes to a right one.
 */
function writtenKeys(keys: readonly Written[]): (key: string, now: number) => Verdict {
  const secret = randomBytes(32);
  const digest = (key: string): string => createHmac('sha256', secret).update(key).digest('base64');
  const known = new Map(keys.map(({ key, id, ...rights }) => [digest(key), { id, rights }]));
  return (key, now) => {
    const own = known.size === 0 ? undefined : known.get(digest(key));
    return own && found(own.id, own.rights, now);
  };
}
