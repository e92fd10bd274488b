// Failures that another try may not meet again: the server did not get to answer, or said that it cannot for now.

import { GatewayError } from '../core/errors.ts';
import type { Settled } from './call.ts';

/** Nothing of an answer came: there was no connection, or it ended before the first byte. */
export class Transient extends GatewayError {}

/** No connection came about, so nothing was sent. */
export class Unreached extends Transient {}

/** The same where another try at this place would end so, too: a name that leads nowhere, a certificate that is wrong. */
export class Unreachable extends GatewayError {}

/** Whether a call has ended before anything of it was sent. */
export function isUnsent(settled: Settled): boolean {
  if (settled.kind !== 'failed') return false;
  return settled.error instanceof Unreached || settled.error instanceof Unreachable;
}

/** The same failure where the request was sent before, and perhaps heard: another try is another matter then. */
export function lasting(fault: GatewayError): GatewayError {
  const isOfNow = fault instanceof Transient || fault instanceof Unreachable;
  return isOfNow ? new GatewayError(fault.code, fault.message, fault.data) : fault;
}

/** Statuses with which a server, or a proxy before it, says that it did not get to the request. */
const TURNED_AWAY: readonly unknown[] = [502, 503, 504];
const TOO_MANY = 429;

export interface Passing {
  /** How long to wait for another try, as far as the server has said so, milliseconds. */
  readonly word: number | undefined;
}

/** Whether what a server answers with this status may be another thing in a moment. */
export function passing(status: unknown, retryAfterMs: unknown): Passing | undefined {
  const word = typeof retryAfterMs === 'number' ? retryAfterMs : undefined;
  if (TURNED_AWAY.includes(status)) return { word };
  // One that calls us too many and names no time is not to be called sooner.
  return status === TOO_MANY && word !== undefined ? { word } : undefined;
}

/** The same of a call that has failed. */
export function passingFault(error: unknown): Passing | undefined {
  if (!(error instanceof GatewayError)) return undefined;
  if (error instanceof Transient) return { word: undefined };
  return error.code === 'UPSTREAM_UNAVAILABLE'
    ? passing(error.data.status, error.data.retryAfterMs)
    : undefined;
}

/** The same of the end of a call. */
export function passingEnd(settled: Settled): Passing | undefined {
  if (settled.kind === 'failed') return passingFault(settled.error);
  return settled.kind === 'error' ? settled.passing : undefined;
}
