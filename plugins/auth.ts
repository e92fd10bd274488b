// Who calls: finds it out by the methods its options ask for, and lets in nobody else.

import { type Caller, definePlugin, type Exchange, McpResult, type Principal, z } from '../src/plugin.ts';
import { type Attempt, attemptOf, type Method, Refusal, refused, type Verdict } from './auth/attempt.ts';
import { dpopSchema } from './auth/dpop.ts';
import { createLines } from './auth/lines.ts';
import { methodOptions, methodsOf } from './auth/methods.ts';
import { createPossession, type Possession } from './auth/possession.ts';
import { unauthenticated, unavailable } from './auth/refusals.ts';

const anonymous = z
  .union([
    z.literal(true),
    z.strictObject({
      id: z.string().min(1).max(256).meta({ description: 'Whom they are called.' }).prefault('anonymous'),
      scopes: z.array(z.string().min(1)).meta({ description: 'What they may do.' }).prefault([]),
    }),
  ])
  .meta({
    description: 'Lets in callers without a credential, too. Who sends a bad one is refused all the same.',
  });

const schema = z.strictObject({
  ...methodOptions,
  dpop: dpopSchema.optional(),
  anonymous: anonymous.optional(),
});

type Options = z.output<typeof schema>;

const NOBODY = refused('no_credential');

export default definePlugin({
  name: 'auth',
  api: 1,
  about: 'Finds out who calls, and refuses those who do not prove it.',
  schema,
  setup(options, host) {
    if (host.upstream !== undefined)
      throw new Error(
        'auth belongs into the pipeline of all upstreams: who calls is known before it is known what for',
      );
    const methods = methodsOf(options, host);
    const stranger = strangerOf(options.anonymous);
    if (methods.length === 0 && !stranger)
      throw new Error('nobody could prove anything: name a method, or write anonymous: true');
    const possession = createPossession(options.dpop, host);
    const tell = createLines(host);
    return {
      async onCaller(x) {
        const own = ownOf(x, host.now());
        if (own) return own instanceof McpResult ? own : { principal: own };
        const { verdict, by, attempt } = await judged(x, { methods, possession, stranger }, host.now());
        if (verdict.kind === 'refused') {
          tell(x, by, verdict.reason);
          return unauthenticated(verdict, [...methods, possession], attempt, x);
        }
        if (verdict.kind === 'unavailable') {
          tell(x, by, verdict.reason);
          return unavailable(verdict, x);
        }
        host.count('found', { kind: by });
        return callerOf(verdict);
      },
      async dispose() {
        for (const { dispose } of methods) await dispose?.();
      },
    };
  },
});

function strangerOf(options: Options['anonymous']): Principal | undefined {
  if (options === undefined) return undefined;
  return options === true ? { id: 'anonymous', scopes: [] } : options;
}

/** What the gateway asks for a session by itself, it asks as whom its client has proven to be. */
function ownOf(x: Exchange, now: number): Principal | McpResult | undefined {
  if (!x.inbound.isOwn) return undefined;
  const { session, principal } = x.client;
  const { expires = Number.POSITIVE_INFINITY } = principal;
  if (session?.principal !== undefined && now < expires) return principal;
  return unauthenticated({ kind: 'refused', reason: 'expired' }, [], undefined, x);
}

interface Judged {
  readonly verdict: NonNullable<Verdict>;
  /** The method that decided. */
  readonly by: string;
  readonly attempt: Attempt | undefined;
}

interface Judges {
  readonly methods: readonly Method[];
  readonly possession: Possession;
  /** Whom callers without a credential stand for. */
  readonly stranger: Principal | undefined;
}

async function judged(x: Exchange, { methods, possession, stranger }: Judges, now: number): Promise<Judged> {
  let attempt: Attempt;
  try {
    attempt = attemptOf(x, now);
  } catch (error) {
    if (error instanceof Refusal) return { verdict: error.refused, by: 'none', attempt: undefined };
    throw error;
  }
  for (const method of methods) {
    const verdict = await method.verify(attempt);
    if (verdict !== undefined)
      return { verdict: await possession.prove(attempt, verdict), by: method.name, attempt };
  }
  // A credential of a kind that nobody here knows is no reason to be taken for a stranger.
  if (attempt.authorization)
    return { verdict: refused('scheme_unknown', 'invalid_token'), by: 'none', attempt };
  if (!stranger) return { verdict: NOBODY, by: 'none', attempt };
  return { verdict: { kind: 'found', principal: stranger }, by: 'anonymous', attempt };
}

function callerOf({ principal, credential }: Extract<Verdict, { kind: 'found' }>): Caller {
  return { principal, token: credential };
}
