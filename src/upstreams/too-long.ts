// An answer on a channel of several callers that is longer than may be held, and could not be passed on: it is passed
// over to its end, its call fails, and the channel goes on.

import { GatewayError } from '../core/errors.ts';
import type { Sink } from '../lib/flow.ts';
import { type RawId, readId } from '../protocol/jsonrpc.ts';
import { JsonError } from '../protocol/raw.ts';
import { ResultScan } from '../protocol/result-scan.ts';
import type { LongAnswers } from './long-answers.ts';

export interface TooLong extends Omit<LongAnswers, 'era'> {
  /** Is told whose answer it was: a call that was given up is over then. */
  answered(id: RawId): void;
}

/**
 * @param head the beginning of a line
 * @returns where its bytes go, the head's too; undefined where it is no answer with a result. Putting some there throws
 *   when that shows later, or beyond `limits.result`: nobody knows where it ends
 */
export function passOver(head: Uint8Array, at: TooLong): Sink | undefined {
  const { upstream, limits, correlator, host } = at;
  const scan = new ResultScan({ depth: limits.json.depth });
  let bytes = 0;
  const take = (part: Uint8Array): void => {
    bytes += part.length;
    if (bytes > limits.result) throw new RangeError(`a line of more than ${limits.result} bytes`);
    scan.push(part);
  };
  try {
    take(head);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return undefined;
  }
  host.metrics.limitHits.inc({ limit: 'line' });
  const end = (): void => {
    scan.end();
    const { line } = limits;
    const what = `answered more than limits.line allows (${line} bytes; it had ${bytes}), and the answer had to be held whole`;
    const error = new GatewayError('UPSTREAM_INVALID', `The upstream "${upstream}" ${what}.`, {
      upstream,
      limit: 'line',
    });
    const id = readId(scan.id ?? '');
    if (!id) return;
    at.answered(id);
    correlator.settle(id.key, { kind: 'failed', error });
  };
  return { over: false, push: take, room: () => undefined, end, fail() {} };
}
