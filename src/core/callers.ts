// Who calls, asked of the plugins that know: once for all that one HTTP request brings, since a proof may be good for
// one look alone. What they say holds where their entry stands in the pipeline, and before the route is looked up.

import { McpResult } from '../protocol/message.ts';
import { callerTokenFact, type Exchange, type Inbound, principalFact } from './exchange.ts';
import type { Host } from './host.ts';
import type { Caller } from './plugin.ts';
import { type Guard, guardOf, type Step } from './step.ts';

/** What an entry said of each HTTP request, as long as anything of that is there. */
const known = new WeakMap<Step, WeakMap<Inbound, Promise<Caller | McpResult | undefined>>>();

/**
 * Asks those of `steps` that know who calls.
 * @returns asks for an exchange before anything is looked up for it, and tells the first refusal
 */
export function createRecognition(
  steps: readonly Step[],
  host: Host,
): (x: Exchange) => Promise<McpResult | undefined> {
  const all = steps
    .filter(({ hooks }) => hooks.onCaller)
    .map((step) => ({ step, guard: guardOf(step, host) }));
  return async (x) => {
    for (const { step, guard } of all) {
      // Whose entry is for one of the upstreams that would be asked has to let it in as well.
      const refusal = (step.applies(x) ?? true) ? await callerOf(step, guard, x) : undefined;
      if (refusal) return refusal;
    }
    return undefined;
  };
}

/** Makes known who calls. @returns the refusal, where the entry does not let it in */
export async function callerOf(step: Step, guard: Guard, x: Exchange): Promise<McpResult | undefined> {
  if (x.callers.has(step)) return x.callers.get(step);
  const refusal = taken(await asked(step, guard, x), guard, x);
  x.callers.set(step, refusal);
  return refusal;
}

/** @throws never: what fails is a refusal */
function asked(step: Step, guard: Guard, x: Exchange): Promise<Caller | McpResult | undefined> {
  // Over a pipe nothing new comes with a request, and the first answer may not be for ever.
  if (x.inbound.method === undefined) return ask(guard, x);
  let own = known.get(step);
  if (!own) {
    own = new WeakMap();
    known.set(step, own);
  }
  const before = own.get(x.inbound);
  if (before) return before;
  const answer = ask(guard, x);
  own.set(x.inbound, answer);
  return answer;
}

async function ask(guard: Guard, x: Exchange): Promise<Caller | McpResult | undefined> {
  try {
    const verdict = await guard.in(x, guard.hooks.onCaller?.(x));
    if (verdict === undefined || verdict === null) return undefined;
    if (verdict instanceof McpResult ? verdict.kind !== 'error' : !isCaller(verdict))
      throw new TypeError('onCaller must return { principal }, an error or nothing');
    return verdict;
  } catch (error) {
    return guard.fault(error, x)?.result;
  }
}

function taken(verdict: Caller | McpResult | undefined, guard: Guard, x: Exchange): McpResult | undefined {
  if (verdict === undefined) return undefined;
  const isRefusal = verdict instanceof McpResult;
  if (guard.shadow)
    return isRefusal ? guard.would('refused the caller', x, verdict.why) : guard.would('named the caller', x);
  if (isRefusal) return verdict;
  try {
    x.set(principalFact, verdict.principal);
    if (verdict.token) x.set(callerTokenFact, verdict.token);
    return undefined;
  } catch (error) {
    return guard.fault(error, x)?.result;
  }
}

function isCaller(value: unknown): value is Caller {
  const { principal } = Object(value) as Partial<Caller>;
  const { id, scopes, expires = 0 } = Object(principal) as Partial<Caller['principal']>;
  return typeof id === 'string' && id !== '' && Array.isArray(scopes) && Number.isFinite(expires);
}
