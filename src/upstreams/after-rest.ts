// What becomes known of a call only when its result, which is passed on as it comes, has ended; and how any failure
// is told.

import { errorResult, GatewayError, messageOf } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { McpResult } from '../protocol/message.ts';
import type { Rest } from '../protocol/rest.ts';
import type { Settled } from './call.ts';
import { verdictOnError } from './health.ts';
import type { Hold } from './pooled.ts';

export interface RestOf {
  readonly upstream: string;
  readonly x: Exchange;
  readonly hold: Pick<Hold, 'heard'>;
  readonly host: Host;
  /** Counts a failure of the upstream. */
  told(result: McpResult): void;
}

/** Whether it is a result that is passed on as it comes: how that ends is known later. */
export function isUnderWay(outcome: McpResult | Settled): boolean {
  return !(outcome instanceof McpResult) && outcome.kind === 'result' && outcome.rest !== undefined;
}

/** @param over lets go of what the call uses: it is at work until then */
export function afterRest(rest: Rest, { upstream, x, hold, host, told }: RestOf, over: () => void): void {
  void rest.done.then(({ bytes, error }) => {
    hold.heard(error === undefined ? 'answered' : verdictOnError(error));
    over();
    const outcome = error === undefined ? 'complete' : labelOf(error);
    host.metrics.streamedResults.inc({ upstream, outcome });
    host.metrics.streamedBytes.inc({ upstream }, bytes);
    if (error === undefined) return;
    told(failure(error, upstream, x, host));
    host.log.warn('a result broke off', { upstream, requestId: x.id, bytes, error: messageOf(error) });
  });
}

/** The name under which a broken result is counted. */
function labelOf(error: Error): string {
  return error instanceof GatewayError ? error.code : 'INTERNAL';
}

/** What is answered in the place of a call that failed. */
export function failure(error: unknown, upstream: string, x: Exchange, host: Host): McpResult {
  if (x.signal.aborted) return errorResult('CANCELLED', undefined, { requestId: x.id });
  if (error instanceof GatewayError)
    return errorResult(error.code, error.message, { ...error.data, requestId: x.id });
  host.log.error('upstream handler failed', { upstream, requestId: x.id, error: messageOf(error) });
  return errorResult('INTERNAL', undefined, { requestId: x.id });
}
