// The time that one upstream has where its answer is a part of a whole: `limits.list_timeout`. Nobody else waits
// longer for it.

import { GatewayError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';

/** What all parts of one whole have in common. */
export interface Whole {
  /** Of whoever waits for the whole. */
  readonly signal: AbortSignal;
  /** Milliseconds. */
  readonly patience: number;
  /** The field that says how long; `limits.list_timeout` where none is given. */
  readonly field?: 'timeouts.start';
  readonly host: Host;
}

/**
 * `work` for one upstream, ended when its time is up.
 * @throws GatewayError when it is late; the signal's reason when nobody waits any more
 */
export async function inTime<T>(
  upstream: string,
  { signal, patience, field, host }: Whole,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => {
    host.metrics.timeouts.inc({ kind: field === undefined ? 'list' : 'start', upstream });
    const name = field ?? 'limits.list_timeout';
    const why = `The upstream "${upstream}" took longer than ${name} (${patience} ms).`;
    late.abort(new GatewayError('UPSTREAM_TIMEOUT', why, { upstream }));
  }, patience);
  const both = AbortSignal.any([signal, late.signal]);
  try {
    return await unlessAborted(work(both), both);
  } catch (error) {
    throw both.aborted ? both.reason : error;
  } finally {
    clearTimeout(timer);
  }
}
