// Composes plugins around a handler: requests go down the list, notifications and results come back up.
// The only code that calls hooks. A plugin that throws, hangs or returns nonsense refuses; it never lets pass.

import { forOneCaller } from '../protocol/caching.ts';
import { McpNotification, McpRequest, McpResult } from '../protocol/message.ts';
import { callerOf } from './callers.ts';
import { errorResult } from './errors.ts';
import type { Exchange, Sender, SendersOf } from './exchange.ts';
import type { Emit, Handler } from './handler.ts';
import type { Host } from './host.ts';
import { senderOf } from './sending.ts';
import { type Guard, guardOf, type Step } from './step.ts';
import { wholeResult } from './whole.ts';
import { isPromise } from './within.ts';

/** Where exchanges go, for those who run beside the router. */
export interface Ways {
  /** Finds the route again where a plugin changed the target, so that `when` of the next one sees the new place. */
  follow(x: Exchange): void;
  /**
   * Finds out where an undecided exchange goes: upstreams are asked.
   * @returns the refusal of a caller for whom none is
   */
  decide(x: Exchange): Promise<McpResult | undefined>;
}

const STAYS: Ways = { follow() {}, decide: async () => undefined };

/** A handler that runs `steps` around `next`. That of an upstream also closes the legs it has seen through. */
export function pipeline(steps: readonly Step[], next: Handler, host: Host, ways = STAYS): Handler {
  const run = steps.reduceRight<Handler>((inner, step) => around(step, inner, host, ways), next);
  return steps.some(({ hooks }) => hooks.onClose) ? closingLegs(run) : run;
}

function around(step: Step, next: Handler, host: Host, ways: Ways): Handler {
  const { hooks } = step;
  const guard = guardOf(step, host);
  const closer = (x: Exchange, result: McpResult): void => close(guard, result, x);
  const sender = senderOf(guard);
  return async (x, emit) => {
    const applies = step.applies(x) ?? (await appliesThere(step, x, ways));
    if (applies instanceof McpResult) return applies;
    if (!applies) return next(x, emit);
    if (hooks.onClose) x.addCloser(closer);
    if (hooks.onSend) x.addSender(sender);
    const refusal = hooks.onCaller ? await callerOf(step, guard, x) : undefined;
    const verdict = refusal ?? (hooks.onRequest ? await request(guard, x, emit) : undefined);
    if (verdict instanceof McpResult) {
      x.decided(guard.id);
      return verdict;
    }
    if (verdict) {
      x.replace(verdict);
      ways.follow(x);
    }
    const result = await next(x, hooks.onNotification ? (note) => notification(guard, note, x, emit) : emit);
    return hooks.onResult ? seenResult(guard, result, x, emit) : result;
  };
}

/**
 * Those above have let it pass, so upstreams may be asked now. An entry that still cannot tell sees it. A caller who is
 * not let in goes no further: which entries below are for the exchange is not known.
 */
async function appliesThere(step: Step, x: Exchange, ways: Ways): Promise<boolean | McpResult> {
  return (await ways.decide(x)) ?? step.applies(x) ?? true;
}

/** The onSend hooks of `steps`, for messages to an upstream that pass nothing else of a pipeline. */
export function sendersOf(steps: readonly Step[], host: Host): SendersOf {
  const all = steps
    .filter(({ hooks }) => hooks.onSend)
    .map((step) => ({ step, sender: senderOf(guardOf(step, host)) }));
  const of = (x: Exchange): Sender[] => all.filter(({ step }) => step.applies(x)).map(({ sender }) => sender);
  const perCaller = all.some(({ step: { hooks, mode } }) => hooks.perCaller && mode === 'enforce');
  return Object.assign(of, { perCaller });
}

/** The listener closes an exchange; its legs end here, with the last word of their upstream. */
function closingLegs(run: Handler): Handler {
  return async (x, emit) => {
    if (!x.leg) return run(x, emit);
    let result = errorResult('INTERNAL', undefined, { requestId: x.id });
    try {
      result = await run(x, emit);
      return result;
    } finally {
      const last = result;
      if (last.rest) void last.rest.done.then(() => x.close(last));
      else x.close(last);
    }
  };
}

async function request(guard: Guard, x: Exchange, emit: Emit): Promise<McpRequest | McpResult | undefined> {
  const { hooks, shadow } = guard;
  const { narrowings, reassurance } = x;
  try {
    const verdict = await guard.in(x, hooks.onRequest?.(x.request, x, guard.emitter(x, emit)));
    if (verdict === undefined || verdict === null || verdict === x.request) return undefined;
    const isRequest = verdict instanceof McpRequest;
    if (!isRequest && !(verdict instanceof McpResult)) throw new TypeError(RETURNS.request);
    if (!shadow) return verdict;
    return isRequest
      ? guard.would('changed the request', x)
      : guard.would('answered the request', x, verdict.why);
  } catch (error) {
    return guard.fault(error, x)?.result;
  } finally {
    if (shadow) undo(guard, x, narrowings, reassurance);
  }
}

/** What a hook has done to the exchange itself, in shadow. */
function undo(guard: Guard, x: Exchange, narrowings: number, before: Exchange['reassurance']): void {
  if (x.widen(narrowings)) guard.would('hidden things', x);
  if (x.reassurance === before) return;
  x.reassure(before);
  guard.would('told the client what its call waits for', x);
}

/** Never fails the call: a notification the plugin cannot handle is not delivered (on_error: pass delivers it). */
function notification(
  guard: Guard,
  note: McpNotification,
  x: Exchange,
  emit: Emit,
): Promise<void> | undefined {
  const deliver = (verdict: unknown): Promise<void> | undefined => {
    if (verdict === undefined || verdict === note) return emit(note);
    const dropped = verdict === null;
    if (!dropped && !(verdict instanceof McpNotification)) return broken(new TypeError(RETURNS.notification));
    if (!guard.shadow) return dropped ? undefined : emit(verdict);
    guard.would(dropped ? 'dropped a notification' : 'changed a notification', x);
    return emit(note);
  };
  const broken = (error: unknown): Promise<void> | undefined => {
    const refusal = guard.fault(error, x);
    if (refusal === undefined) return emit(note);
    if (refusal.code === 'PLUGIN_FAILED') guard.dropped();
    return undefined;
  };
  let verdict: unknown;
  try {
    verdict = guard.in<unknown>(x, guard.hooks.onNotification?.(note, x, guard.emitter(x, emit)));
  } catch (error) {
    return broken(error);
  }
  return isPromise(verdict) ? Promise.resolve(verdict).then(deliver, broken) : deliver(verdict);
}

/** The result for a hook that looks into it: whole, unless it is said to need no more than has come. */
async function seenResult(guard: Guard, result: McpResult, x: Exchange, emit: Emit): Promise<McpResult> {
  if (!result.rest || guard.hooks.streams) return resultOf(guard, result, x, emit);
  const whole = await wholeResult(result);
  if (whole instanceof McpResult) return resultOf(guard, whole, x, emit);
  if (!guard.lenient) return whole.refuse(`the plugin "${guard.id}" has to see the whole of it`);
  guard.failed(new Error('the result is longer than limits.response, and passed by unseen'), x);
  return result;
}

async function resultOf(guard: Guard, result: McpResult, x: Exchange, emit: Emit): Promise<McpResult> {
  try {
    const verdict = await guard.in(x, guard.hooks.onResult?.(result, x, guard.emitter(x, emit)));
    if (verdict === undefined || verdict === null || verdict === result) return result;
    if (!(verdict instanceof McpResult)) throw new TypeError(RETURNS.result);
    if (!guard.shadow) return forOneCaller(x.request.method, unread(result, verdict));
    guard.would('changed the result', x);
    return result;
  } catch (error) {
    const refusal = guard.fault(error, x);
    if (refusal?.code === 'PLUGIN_FAILED') x.decided(guard.id);
    return refusal ? unread(result, refusal.result) : result;
  }
}

/** What stands in the place of a result; nobody reads that one any more. */
function unread(result: McpResult, instead: McpResult): McpResult {
  if (instead.rest === undefined) result.rest?.cancel();
  return instead;
}

function close(guard: Guard, result: McpResult, x: Exchange): void {
  try {
    const closing: unknown = guard.hooks.onClose?.(x, result);
    if (isPromise(closing)) closing.then(undefined, (error: unknown) => guard.failed(error, x));
  } catch (error) {
    guard.failed(error, x);
  }
}

const RETURNS = {
  request: 'onRequest must return a McpRequest, a McpResult or nothing',
  notification: 'onNotification must return a McpNotification, null or nothing',
  result: 'onResult must return a McpResult or nothing',
};
