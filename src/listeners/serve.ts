// One call of a client from its opened exchange to its result: limits, rounds of questions, figures and the
// access log. The same for every transport and era.

import type { Client } from '../core/client.ts';
import { errorResult, messageOf } from '../core/errors.ts';
import type { Exchange, Inbound } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import type { McpRequest, McpResult } from '../protocol/message.ts';
import { methodRow } from '../protocol/methods.ts';
import type { Endpoint, Serving } from './serving.ts';

export interface ClientCall {
  readonly id: string;
  readonly client: Client;
  readonly inbound: Inbound;
  readonly request: McpRequest;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  /** Asks the client what the upstream needs and returns the next round; initialize era only. */
  readonly rounds?: (x: Exchange, result: McpResult, run: Handle) => Promise<McpResult>;
}

export type Handle = (x: Exchange) => Promise<McpResult>;

export interface Served {
  readonly result: McpResult;
  /** To be called when the last byte is out, or nobody reads any more. */
  close(): void;
}

/** Never rejects. */
export async function serve(call: ClientCall, endpoint: Endpoint, serving: Serving): Promise<Served> {
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
  const exchanges: Exchange[] = [];
  const result = await carry(call, endpoint, exchanges).catch((error: unknown) => failed(error, call, host));
  load.inFlight -= counted;
  inFlight.set(load.inFlight);
  record(call, exchanges.at(-1), result, performance.now() - began, host);
  return {
    result,
    close() {
      for (const x of exchanges) x.close(result);
    },
  };
}

async function carry(call: ClientCall, endpoint: Endpoint, exchanges: Exchange[]): Promise<McpResult> {
  const emit = call.emit;
  const run: Handle = (x) => {
    exchanges.push(x);
    return endpoint.handle(x, emit);
  };
  const x = await endpoint.open(call.client, call.inbound, call.request, call.signal, call.id);
  const result = await run(x);
  return result.kind === 'input_required' && call.rounds ? call.rounds(x, result, run) : result;
}

function failed(error: unknown, { id, signal }: ClientCall, host: Host): McpResult {
  if (signal.aborted) return errorResult('CANCELLED', undefined, { requestId: id });
  host.log.error('call failed', { requestId: id, error: messageOf(error) });
  return errorResult('INTERNAL', undefined, { requestId: id });
}

const over = (result: McpResult): Served => ({ result, close() {} });

function record(call: ClientCall, x: Exchange | undefined, result: McpResult, ms: number, host: Host): void {
  const { method } = call.request;
  const known = methodRow(method) ? method : 'other';
  const code = result.kind === 'error' ? result.raw.object('data')?.string('code') : undefined;
  const outcome = call.signal.aborted ? 'cancelled' : result.kind;
  host.metrics.exchanges.inc({ method: known, era: call.client.era, outcome });
  if (known !== 'subscriptions/listen') host.metrics.duration.observe({ method: known }, ms / 1000);
  if (code !== undefined) host.metrics.refused.inc({ code });
  host.log.info('call', {
    requestId: call.id,
    method,
    name: x?.route.kind === 'one' ? x.route.asked : undefined,
    upstream: x?.route.kind === 'one' ? x.route.upstream : undefined,
    era: call.client.version,
    principal: x?.principal.id,
    status: outcome,
    code: code ?? result.code,
    ms: Math.round(ms * 10) / 10,
  });
}
