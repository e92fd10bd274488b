// What the end of a call says of the server that it was sent to. Only what the server did counts: an answer is
// one whatever it says, and what the caller or the gateway did says nothing.

import { catalogue, type ErrorName, GatewayError } from '../core/errors.ts';
import { McpResult } from '../protocol/message.ts';
import type { Settled } from './call.ts';
import { SessionLost } from './link.ts';

/** `answered`: it works. An error: it does not. Undefined: that call does not tell. */
export type Verdict = 'answered' | Error | undefined;

/** Deadlines that pass although the server has begun to answer, or may have. */
const AFTER_FIRST_BYTE: readonly unknown[] = ['idle', 'total', 'body_idle', 'stream_idle'];

export function verdictOf(outcome: McpResult | Settled): Verdict {
  if (!(outcome instanceof McpResult))
    return outcome.kind === 'failed' ? verdictOnError(outcome.error) : 'answered';
  if (outcome.kind !== 'error' || outcome.http === undefined) return 'answered';
  const data = outcome.raw.object('data');
  if (data?.string('code') !== 'UPSTREAM_TIMEOUT' || AFTER_FIRST_BYTE.includes(data.get('timeout')))
    return undefined;
  return new Error(outcome.raw.string('message') ?? 'timeout');
}

export function verdictOnError(error: unknown): Verdict {
  if (!(error instanceof GatewayError) || error instanceof Refused) return undefined;
  if (error instanceof SessionLost) return 'answered';
  const { code, data } = error;
  switch (code) {
    case 'UPSTREAM_REFUSED':
      return 'answered';
    case 'UPSTREAM_UNAVAILABLE':
      return isBelow500(data.status) ? 'answered' : error;
    case 'UPSTREAM_TIMEOUT':
      return AFTER_FIRST_BYTE.includes(data.timeout) ? undefined : error;
    case 'UPSTREAM_INVALID':
      // An answer larger than we take is one.
      return data.limit === undefined && !isBelow500(data.status) ? error : 'answered';
    default:
      return undefined;
  }
}

function isBelow500(status: unknown): boolean {
  return typeof status === 'number' && status < 500;
}

/** The upstream is not even asked, because of what it did before. */
export class Refused extends GatewayError {
  constructor(upstream: string, failures: number, last: Error | undefined, retryAfterMs: number) {
    const why = last
      ? `: ${failures} calls in a row failed, the last one so: ${last.message.replace(/\.$/, '')}.`
      : '.';
    super(
      'UPSTREAM_UNAVAILABLE',
      `The upstream "${upstream}" is not called for now${why} It is tried again in ${retryAfterMs} ms.`,
      { upstream, retryAfterMs },
    );
  }
}

/** Whether an error of the catalogue is the upstream's own. */
export function isUpstreamFault(code: string): boolean {
  return code in catalogue && catalogue[code as ErrorName].fault === 'upstream';
}
