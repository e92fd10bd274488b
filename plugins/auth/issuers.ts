// The option `issuers`: who signs tokens, and how they are read.

import { duration, z } from '../../src/plugin.ts';
import { authorities } from '../remote/authorities.ts';
import { fetchLimits } from '../remote/fetch-json.ts';
import { remoteUrl } from '../remote/url.ts';
import { introspectionSchema } from './introspection.ts';
import { SPACES } from './whom.ts';

/** Keys of two parts alone: with a shared secret, whoever can verify a token can make one. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

const claim = (description: string) =>
  z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .meta({ description: `${description} A list is the way to a member within others.` });

const claims = z
  .strictObject({
    id: claim('Has the id of the caller.').prefault('sub'),
    tenant: claim('Has the tenant. A token without it is refused.').optional(),
    groups: claim('Has the groups: a list of texts, or one.').optional(),
    scopes: claim('Has the scopes. Default: `scope`, else `scp`.').optional(),
  })
  .meta({ description: 'Which claims make the caller.', examples: [{ tenant: 'tid', groups: 'groups' }] });

const keys = z
  .strictObject({
    fresh: duration(
      '10m',
      { description: 'How long fetched keys are used before they are fetched again.' },
      1_000,
    ),
    stale: duration(
      '24h',
      { description: 'How long they are used while the issuer cannot be reached.' },
      1_000,
    ),
    cooldown: duration(
      '30s',
      { description: 'Least time between two fetches, whatever tokens come.' },
      1_000,
    ),
  })
  .meta({ description: 'How long the keys of the issuer are believed.' });

const issuer = z
  .strictObject({
    issuer: remoteUrl('The issuer, letter by letter as tokens have it in `iss`.', 'https://id.example.com'),
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, 'must be letters in lower case, digits, "-" and "_"')
      .refine((name) => !(SPACES as readonly string[]).includes(name), {
        error: 'stands before ids of keys, certificates or users: choose another name',
      })
      .meta({
        description:
          'Stands before the ids of its callers, as `okta:ada`. Needed where there are several issuers, or other ways to prove oneself, in any entry: they may know different people by one name.',
        examples: ['okta'],
      })
      .optional(),
    jwks_uri: remoteUrl(
      'Where its keys are. Default: what its metadata says (RFC 8414, OpenID Connect Discovery).',
      'https://id.example.com/keys',
    ).optional(),
    audiences: z
      .array(z.string().min(1))
      .min(1)
      .meta({
        description:
          'What tokens are for: one of them has to be in `aud`. Default: the URL of the endpoint, which is `listeners[].http.url` and its path.',
        examples: [['api://sluice']],
      })
      .optional(),
    algorithms: z
      .array(z.enum(ALGORITHMS))
      .min(1)
      .meta({ description: 'How its tokens may be signed.' })
      .prefault(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519']),
    typ: z
      .enum(['any', 'at+jwt'])
      .meta({
        description:
          '`at+jwt`: only tokens whose header says so (RFC 9068). `any`: those that say `JWT`, or nothing, too.',
      })
      .prefault('any'),
    dpop: z
      .enum(['optional', 'required', 'off'])
      .meta({ description: 'Whether its tokens may, have to or must not be bound to a key (RFC 9449).' })
      .prefault('optional'),
    claims: claims.prefault({}),
    skew: duration(
      '60s',
      { description: 'How far the clocks of issuer and gateway may be apart; 10m at most.' },
      0,
      600_000,
    ),
    keys: keys.prefault({}),
    token_size: z
      .int()
      .min(256)
      .max(65_536)
      .meta({ description: 'Most characters of a token.' })
      .prefault(16_384),
    introspection: introspectionSchema
      .meta({ description: 'Asks the issuer about tokens that are no JWT (RFC 7662).' })
      .optional(),
    ca: authorities.optional(),
    fetch: fetchLimits.prefault({}),
  })
  .refine(({ keys: { fresh, stale } }) => stale >= fresh, {
    path: ['keys', 'stale'],
    error: 'must be at least as long as `fresh`',
  });

export const issuers = z
  .array(issuer)
  .min(1)
  .superRefine((all, context) => {
    for (const [at, { issuer: url, name, introspection }] of all.entries()) {
      const others = all.slice(0, at);
      if (introspection && others.some((each) => each.introspection))
        context.addIssue({
          code: 'custom',
          path: [at, 'introspection'],
          message: 'one issuer alone is asked: two would be shown the tokens of each other',
        });
      if (others.some((each) => each.issuer === url))
        context.addIssue({ code: 'custom', path: [at, 'issuer'], message: 'stands above already' });
      if (all.length > 1 && name === undefined)
        context.addIssue({
          code: 'custom',
          path: [at, 'issuer'],
          message: 'needs a name beside it, since there are several: name: okta',
        });
      if (name !== undefined && others.some((each) => each.name === name))
        context.addIssue({ code: 'custom', path: [at, 'name'], message: 'another issuer has this name' });
    }
  })
  .meta({
    description: 'Authorization servers whose tokens (JWT) are taken.',
    examples: [[{ issuer: 'https://id.example.com' }]],
  });

export type Issuer = z.output<typeof issuer>;
