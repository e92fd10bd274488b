// Who calls: finds it out by the methods its options ask for, lets in nobody else, and keeps callers to their scopes.

import { definePlugin, type Exchange, McpResult, type Principal, z } from '../src/plugin.ts';
import { checkApiKeys } from './auth/api-keys.ts';
import type { Host, Refused } from './auth/attempt.ts';
import { dpopSchema } from './auth/dpop.ts';
import { type Judging, judge } from './auth/judge.ts';
import { type Described, metadataPage } from './auth/metadata.ts';
import { methodOptions, methodsOf } from './auth/methods.ts';
import { createPossession } from './auth/possession.ts';
import { proofsBy } from './auth/proofs.ts';
import { reachIssuers } from './auth/reach.ts';
import { type Door, lacking, unauthenticated, unavailable } from './auth/refusals.ts';
import { compiled, neededBy, rules, scopes } from './auth/rules.ts';

const anonymous = z
  .union([
    z.literal(true),
    z.strictObject({
      id: z
        .string()
        .min(1)
        .max(256)
        .refine((id) => id !== 'gateway', { error: '"gateway" is the name of the gateway' })
        .meta({ description: 'Whom they are called.' })
        .prefault('anonymous'),
      scopes: z.array(z.string().min(1)).meta({ description: 'What they may do.' }).prefault([]),
      public: z
        .boolean()
        .meta({
          description: 'Other machines are meant, too: else a listener that they reach is refused.',
        })
        .prefault(false),
    }),
  ])
  .meta({
    description: 'Lets in callers without a credential, too. Who sends a bad one is refused all the same.',
  });

const NOBODY = 'nobody could prove anything: name a method, such as api_keys, or write anonymous: true';

const schema = z
  .strictObject({
    ...methodOptions,
    dpop: dpopSchema.optional(),
    anonymous: anonymous.optional(),
    scopes,
    rules,
  })
  .refine(
    ({ anonymous, api_keys, issuers, signatures, certificates, peers }) =>
      [anonymous, api_keys, issuers, signatures, certificates, peers].some((each) => each !== undefined),
    NOBODY,
  );

/** What the gateway asks by itself, for a session whose proof is over. */
const NO_MORE: Refused = { kind: 'refused', reason: 'expired' };

type Options = z.output<typeof schema>;

export default definePlugin({
  name: 'auth',
  api: 1,
  about: 'Finds out who calls, and refuses those who do not prove it.',
  schema,
  check: async ({ api_keys, issuers = [] }, place) => [
    ...(api_keys === undefined ? [] : checkApiKeys(api_keys, place)),
    ...(place.connect === true ? await reachIssuers(issuers) : []),
  ],
  setup(options, host) {
    if (host.upstream !== undefined)
      throw new Error('auth belongs into the pipeline of all upstreams: who calls is known before what for');
    const judging = judgingOf(options, host);
    const { methods, stranger } = judging;
    if (methods.length === 0 && !stranger) throw new Error(NOBODY);
    const door = doorOf(options, judging);
    const more = compiled(options.rules);
    /** The listener logs it, in one line with the request. */
    const refused = (result: McpResult, by: string, reason: string): McpResult => {
      host.count('refused', { kind: by, reason });
      return result.withWhy({ by, reason });
    };
    const ends = proofsBy(options, host);
    const refusal = (
      needed: readonly string[],
      { scopes: has }: Principal,
      x: Exchange,
    ): McpResult | undefined => {
      if (needed.every((scope) => has.includes(scope))) return undefined;
      return refused(lacking(needed, door, x), 'scopes', 'scope_missing');
    };
    return {
      takes: methods.flatMap(({ headers = [] }) => headers),
      async onCaller(x) {
        const own = ownOf(x, door, stranger, host.now());
        if (own) return own instanceof McpResult ? refused(own, 'session', 'expired') : { principal: own };
        const { verdict, by, attempt } = await judge(x, judging, host.now());
        if (verdict.kind !== 'found') {
          const told =
            verdict.kind === 'unavailable'
              ? unavailable(verdict, x)
              : unauthenticated(verdict, door, attempt, x);
          return refused(told, by, verdict.reason);
        }
        host.count('found', { kind: by });
        const principal = { ends, ...verdict.principal };
        return refusal(options.scopes, principal, x) ?? { principal, token: verdict.credential };
      },
      // Here and not before: those above may have made it another call.
      onRequest: (request, x) => refusal(neededBy(request, options.scopes, more), x.principal, x),
      ...(options.issuers && {
        onHttp: (request, endpoints) => metadataPage(request, endpoints, describedOf(options)),
      }),
      async dispose() {
        for (const { dispose } of methods) await dispose?.();
      },
    };
  },
});

function judgingOf(options: Options, host: Host): Judging {
  const { anonymous: said, dpop, issuers = [] } = options;
  const isTold = dpop !== undefined || issuers.some((each) => each.dpop === 'required');
  return {
    methods: methodsOf(options, host),
    possession: createPossession(dpop, isTold, host),
    stranger: said === true ? { id: 'anonymous', scopes: [] } : said && { id: said.id, scopes: said.scopes },
  };
}

function doorOf({ issuers, api_keys, scopes: needed }: Options, { methods, possession }: Judging): Door {
  const hasIssuers = issuers !== undefined;
  const challengers = [...methods, possession];
  return { hasIssuers, takesBearer: hasIssuers || api_keys?.bearer === true, scopes: needed, challengers };
}

function describedOf({ issuers = [], scopes: always, rules: more, dpop }: Options): Described {
  const all = new Set([...always, ...more.flatMap((rule) => rule.scopes)]);
  const isRequired = issuers.every((each) => each.dpop === 'required');
  const { algorithms } = dpop ?? dpopSchema.parse({});
  return {
    issuers: issuers.map(({ issuer }) => issuer),
    scopes: [...all],
    dpop: dpop || isRequired ? { algorithms, isRequired } : undefined,
  };
}

/** What the gateway asks for a session by itself, it asks as whom its client has proven to be. */
function ownOf(
  x: Exchange,
  door: Door,
  stranger: Principal | undefined,
  now: number,
): Principal | McpResult | undefined {
  if (!x.inbound.isOwn) return undefined;
  const { principal } = x.client;
  const { expires = Number.POSITIVE_INFINITY, ends } = principal;
  // A session may have begun before anybody had to prove anything.
  const isKnown = stranger !== undefined || principal.id !== 'anonymous';
  return isKnown && now < expires && ends?.aborted !== true
    ? principal
    : unauthenticated(NO_MORE, door, undefined, x);
}
