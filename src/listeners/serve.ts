// One call of a client from its opened exchange to its result: limits, rounds of questions, figures and the
// access log. The same for every transport and era.

import type { Client } from '../core/client.ts';
import { errorLabel, errorResult, messageOf } from '../core/errors.ts';
import type { Exchange, Inbound } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import { type Refusal, refusalsFact } from '../core/refusals.ts';
import type { McpRequest, McpResult } from '../protocol/message.ts';
import { methodLabel, methodRow } from '../protocol/methods.ts';
import type { Endpoint, Serving } from './serving.ts';

export interface ClientCall {
  readonly id: string;
  readonly client: Client;
  readonly inbound: Inbound;
  readonly request: McpRequest;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  /** What the listener has to look at before any plugin does. @returns the refusal, if there is one */
  readonly check?: (x: Exchange, endpoint: Endpoint) => Promise<McpResult | undefined>;
  /** Asks the client what the upstream needs and returns how the rounds end; initialize era only. */
  readonly rounds?: (request: McpRequest, result: McpResult, run: Run) => Promise<McpResult>;
}

/** Makes the call once more, as a new exchange. @param refusals what the client would not answer, by question */
export type Run = (request: McpRequest, refusals?: ReadonlyMap<string, Refusal>) => Promise<McpResult>;

export interface Served {
  readonly result: McpResult;
  /** To be called when the last byte is out, or nobody reads any more. */
  close(): void;
}

/** An exchange and its hold on the generation it runs on. */
interface Round {
  readonly x: Exchange;
  readonly leave: () => void;
}

/** Never rejects. */
export async function serve(call: ClientCall, serving: Serving): Promise<Served> {
  const { host } = serving;
  const began = performance.now();
  if (!serving.accepting()) return over(errorResult('STOPPING'));
  // A subscription is held by its stream, which has a limit of its own.
  const counted = call.request.method === 'subscriptions/listen' ? 0 : 1;
  const { load, inFlight, limitHits } = host.metrics;
  if (load.inFlight + counted > serving.limits().inFlight) {
    limitHits.inc({ limit: 'in_flight' });
    return over(errorResult('BUSY'));
  }
  load.inFlight += counted;
  inFlight.set(load.inFlight);
  const cut = Promise.withResolvers<McpResult>();
  const forget = serving.onCut(() => cut.resolve(errorResult('STOPPING', undefined, { requestId: call.id })));
  const rounds: Round[] = [];
  const carried = carry(call, serving, rounds).catch((error: unknown) => failed(error, call, host));
  const result = await Promise.race([carried, cut.promise]);
  forget();
  load.inFlight -= counted;
  inFlight.set(load.inFlight);
  record(call, rounds.at(-1)?.x, result, performance.now() - began, host);
  return { result, close: () => end(rounds.at(-1), result) };
}

async function carry(call: ClientCall, serving: Serving, rounds: Round[]): Promise<McpResult> {
  const run: Run = async (request, refusals) => {
    // A person may answer long after a reload: each round runs on the generation of its time.
    const endpoint = serving.endpoint(call.inbound.endpoint);
    if (!endpoint)
      return errorResult('STOPPING', 'This endpoint is not served any more.', { requestId: call.id });
    const leave = endpoint.hold();
    try {
      const before = rounds.at(-1)?.x;
      const x = await (before
        ? endpoint.again(before, request)
        : endpoint.open(call.client, call.inbound, request, call.signal, call.id));
      if (refusals && refusals.size > 0) x.set(refusalsFact, refusals);
      const round = { x, leave };
      rounds.push(round);
      const result = (await call.check?.(x, endpoint)) ?? (await endpoint.handle(x, call.emit));
      if (result.kind === 'input_required' && call.rounds) end(round, result);
      return result;
    } catch (error) {
      leave();
      throw error;
    }
  };
  const first = await run(call.request);
  return first.kind === 'input_required' && call.rounds ? call.rounds(call.request, first, run) : first;
}

/** Harmless where it has ended already. */
function end(round: Round | undefined, result: McpResult): void {
  round?.x.close(result);
  round?.leave();
}

function failed(error: unknown, { id, signal }: ClientCall, host: Host): McpResult {
  if (signal.aborted) return errorResult('CANCELLED', undefined, { requestId: id });
  host.log.error('call failed', { requestId: id, error: messageOf(error) });
  return errorResult('INTERNAL', undefined, { requestId: id });
}

const over = (result: McpResult): Served => ({ result, close() {} });

function record(call: ClientCall, x: Exchange | undefined, result: McpResult, ms: number, host: Host): void {
  const { method } = call.request;
  const row = methodRow(method);
  const known = methodLabel(method);
  const code = result.kind === 'error' ? result.raw.object('data')?.string('code') : undefined;
  const outcome = call.signal.aborted ? 'cancelled' : result.kind;
  host.metrics.exchanges.inc({ method: known, era: call.client.era, outcome });
  if (known !== 'subscriptions/listen') host.metrics.duration.observe({ method: known }, ms / 1000);
  if (code !== undefined) host.metrics.refused.inc({ code: errorLabel(code) });
  host.log.info('call', {
    requestId: call.id,
    method,
    // Who holds the id of a task can have its result.
    name: x?.route.kind === 'one' && row?.name !== 'taskId' ? x.route.asked : undefined,
    upstream: x?.route.kind === 'one' ? x.route.upstream : undefined,
    era: call.client.version,
    principal: x?.principal.id,
    status: outcome,
    code: code ?? result.code,
    ms: Math.round(ms * 10) / 10,
  });
}
