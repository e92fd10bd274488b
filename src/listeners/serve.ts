// One call of a client from its opened exchange to its result: limits, rounds of questions, figures and the
// access log. The same for every transport and era.

import { progressFact } from '../core/call-progress.ts';
import { checkFact } from '../core/check.ts';
import type { Client, Principal } from '../core/client.ts';
import { type ErrorName, errorLabel, errorResult, GatewayError, messageOf } from '../core/errors.ts';
import type { Exchange, Inbound } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import type { LiveCall } from '../core/live-calls.ts';
import { phases } from '../core/phases.ts';
import { type Refusal, refusalsFact } from '../core/refusals.ts';
import { Withdrawals, withdrawalsFact } from '../core/withdrawals.ts';
import type { McpRequest, McpResult } from '../protocol/message.ts';
import { methodLabel, methodRow } from '../protocol/methods.ts';
import type { Rest, RestEnd } from '../protocol/rest.ts';
import type { Endpoint, Serving } from './serving.ts';

export interface ClientCall {
  readonly id: string;
  readonly client: Client;
  readonly inbound: Inbound;
  readonly request: McpRequest;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  /** Is told who calls when what it asked for begins. */
  readonly begun?: (principal: Principal) => void;
  /** What has to be looked at once the plugins have let it pass. @returns the refusal, if there is one */
  readonly check?: (x: Exchange, endpoint: Endpoint) => Promise<McpResult | undefined>;
  /** Asks the client what the upstream needs and returns how the rounds end; initialize era only. */
  readonly rounds?: (request: McpRequest, first: Round, run: Run) => Promise<McpResult>;
}

/** How a round ended. */
export interface Round {
  readonly result: McpResult;
  /** Which answers the upstream needs no more, from the moment it asked. */
  readonly withdrawals: Withdrawals;
  /** Tells the client that its answer is waited for, until the returned function is called. */
  waiting(): () => void;
}

/** Makes the call once more, as a new exchange. @param refusals what the client would not answer, by question */
export type Run = (request: McpRequest, refusals?: ReadonlyMap<string, Refusal>) => Promise<Round>;

export interface Served {
  readonly result: McpResult;
  /** Who called, as far as a plugin has found out. */
  readonly principal: Principal;
  /** To be called when the last byte is out, or nobody reads any more. */
  close(): void;
}

/** What there is of a call so far: its latest exchange, and its hold on the generation all of them run on. */
interface Begun {
  x?: Exchange | undefined;
  leave?: () => void;
}

const CUT = 'The gateway stops, and the call took longer than drain allows.';

/** Never rejects. */
export async function serve(call: ClientCall, serving: Serving): Promise<Served> {
  const { host } = serving;
  const began = performance.now();
  if (!serving.accepting()) return turnedAway('STOPPING', call, serving);
  // A subscription is held by its stream, which has a limit of its own.
  const counted = call.request.method === 'subscriptions/listen' ? 0 : 1;
  const { load, inFlight, limitHits } = host.metrics;
  if (load.inFlight + counted > serving.limits().inFlight) {
    limitHits.inc({ limit: 'in_flight' });
    return turnedAway('BUSY', call, serving);
  }
  load.inFlight += counted;
  inFlight.set(load.inFlight);
  const cut = Promise.withResolvers<McpResult>();
  const forget = serving.onCut(() => cut.resolve(errorResult('STOPPING', CUT, { requestId: call.id })));
  const begun: Begun = {};
  const live = lookedAt(call, begun, serving);
  const carried = carry(call, serving, begun, live).catch((error: unknown) => failed(error, call, host));
  const result = await Promise.race([carried, cut.promise]);
  forget();
  live.progress.end();
  const over = (end?: RestEnd): void => {
    load.inFlight -= counted;
    inFlight.set(load.inFlight);
    live.end();
    record(call, begun.x, outcomeOf(result, end), performance.now() - began, host, end?.bytes);
  };
  // What comes when it has been cut, nobody reads.
  void carried.then((late) => late !== result && late.rest?.cancel());
  if (result.rest) whileItComes(result.rest, call.signal, over);
  else over();
  const { principal } = begun.x ?? call.client;
  return { result, principal, close: () => end(begun, result) };
}

/**
 * All rounds run on the generation of the first: what asks is there, as it was. A call that continues a parked one
 * runs where that is.
 */
async function carry(
  call: ClientCall,
  serving: Serving,
  begun: Begun,
  { progress }: LiveCall,
): Promise<McpResult> {
  const endpoint = serving.endpoint(call.inbound.endpoint, call.request);
  if (!endpoint)
    return errorResult('STOPPING', 'This endpoint is not served any more.', { requestId: call.id });
  begun.leave = endpoint.hold();
  const { rounds, check } = call;
  const run: Run = async (request, refusals) => {
    const { x: before } = begun;
    const x = before
      ? endpoint.again(before, request)
      : endpoint.open(call.client, call.inbound, request, call.signal, call.id);
    begun.x = x;
    x.set(progressFact, progress);
    if (check) x.set(checkFact, (own) => check(own, endpoint));
    if (refusals && refusals.size > 0) x.set(refusalsFact, refusals);
    const withdrawals = new Withdrawals();
    if (rounds) x.set(withdrawalsFact, withdrawals);
    const result = await endpoint.handle(x, firstTold(call, x, progress.emit));
    if (result.kind === 'input_required' && rounds) x.close(result);
    return { result, withdrawals, waiting: () => progress.phases.begin(phases.client) };
  };
  try {
    const first = await run(call.request);
    return first.result.kind === 'input_required' && rounds
      ? await rounds(call.request, first, run)
      : first.result;
  } catch (error) {
    begun.leave();
    throw error;
  }
}

/** With the first thing that comes back, plugins have let the call pass. */
function firstTold({ begun }: ClientCall, x: Exchange, emit: Emit): Emit {
  if (!begun) return emit;
  let isTold = false;
  return (note) => {
    if (!isTold) begun(x.principal);
    isTold = true;
    return emit(note);
  };
}

function lookedAt(
  { id, client, inbound, request, emit }: ClientCall,
  begun: Begun,
  serving: Serving,
): LiveCall {
  const { listener, endpoint } = inbound;
  const { method, meta } = request;
  return serving.live.begin({
    ...{ id, client, listener, endpoint, method, emit },
    token: meta.progressToken,
    x: () => begun.x,
    asked: () => shownName(begun.x),
  });
}

/** Harmless where it has ended already. */
function end({ x, leave }: Begun, result: McpResult): void {
  result.rest?.cancel();
  x?.close(result);
  leave?.();
}

function failed(error: unknown, { id, signal }: ClientCall, host: Host): McpResult {
  if (signal.aborted) return errorResult('CANCELLED', undefined, { requestId: id });
  host.log.error('call failed', { requestId: id, error: messageOf(error) });
  return errorResult('INTERNAL', undefined, { requestId: id });
}

function turnedAway(code: ErrorName, call: ClientCall, { refused }: Serving): Served {
  const { id, client, inbound, request } = call;
  const { listener, endpoint: path, remote } = inbound;
  refused({ code, requestId: id, listener, path, method: request.method, remote });
  return { result: errorResult(code), principal: client.principal, close() {} };
}

/** Who has cancelled the call wants no more of it. */
function whileItComes(rest: Rest, signal: AbortSignal, over: (end: RestEnd) => void): void {
  const cancel = (): void => rest.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  void rest.done.then((end) => {
    signal.removeEventListener('abort', cancel);
    over(end);
  });
}

/** A result that is passed on as it comes may still end otherwise than it began. */
function outcomeOf(result: McpResult, end: RestEnd | undefined): McpResult {
  const { error } = end ?? {};
  if (error === undefined) return result;
  return error instanceof GatewayError ? error.result : errorResult('INTERNAL');
}

function record(
  call: ClientCall,
  x: Exchange | undefined,
  result: McpResult,
  ms: number,
  host: Host,
  bytes?: number,
): void {
  const { method } = call.request;
  const known = methodLabel(method);
  const code = result.kind === 'error' ? result.raw.object('data')?.string('code') : undefined;
  const outcome = call.signal.aborted ? 'cancelled' : result.kind;
  host.metrics.exchanges.inc({ method: known, era: call.client.era, outcome });
  if (known !== 'subscriptions/listen') host.metrics.duration.observe({ method: known }, ms / 1000);
  if (code !== undefined) host.metrics.refused.inc({ code: errorLabel(code) });
  host.log.info('call', {
    requestId: call.id,
    method,
    name: shownName(x),
    upstream: x?.route.kind === 'one' ? x.route.upstream : undefined,
    era: call.client.version,
    principal: x?.principal.id,
    status: outcome,
    code: code ?? result.code,
    ...result.why,
    ms: Math.round(ms * 10) / 10,
    bytes,
  });
}

/** The name of something that is there, or may be. */
function shownName(x: Exchange | undefined): string | undefined {
  // Who holds the id of a task can have its result.
  if (!x || methodRow(x.request.method)?.name === 'taskId') return undefined;
  const { route } = x;
  return route.kind === 'one' || route.kind === 'undecided' ? route.asked : undefined;
}
