// What a caller is told who is over a limit: how long to wait, in words that a model can read, and of limits that
// others share no more than that.

import { McpResult, refuse } from '../../src/plugin.ts';
import { waitText } from './amounts.ts';

export interface Refused {
  readonly name: string;
  readonly text: string;
  /** Whether the limit is the caller's own. */
  readonly isOwn: boolean;
  /** Milliseconds until the same may pass; Infinity where it never does; undefined where nobody can tell. */
  readonly retryMs: number | undefined;
  readonly cost?: number;
  readonly most?: number;
  /** The store could not be asked. */
  readonly isUncounted?: boolean;
}

/** When one may come back for whom a place gets free at a time nobody knows, milliseconds. */
const SOON = 1_000;

export function refusalOf(refused: Refused, status: number): McpResult {
  const { isOwn, name, text, retryMs, cost, most } = refused;
  const isNever = retryMs === Number.POSITIVE_INFINITY;
  const retryAfterMs = Math.max(1, Math.ceil(retryMs ?? SOON));
  const result = refuse('RATE_LIMITED', sentence(refused), {
    ...(isNever ? {} : { retryAfterMs }),
    ...(isOwn && { limit: name, policy: text }),
    ...(isOwn && isNever && cost !== undefined && most !== undefined && { cost, most }),
  });
  return new McpResult(result.kind, result.raw, status, result.headers);
}

function sentence({ isOwn, name, text, retryMs, cost = 0, most = 0, isUncounted }: Refused): string {
  const again = `try again in ${waitText(retryMs ?? SOON)}`;
  if (isUncounted) return `Limits cannot be counted for now: ${again}.`;
  if (retryMs === Number.POSITIVE_INFINITY) {
    return isOwn
      ? `This call costs ${cost}, and limit "${name}" never has more than ${most}: it cannot pass. Ask for less at once.`
      : 'This call costs more than its limit ever has: it cannot pass. Ask for less at once.';
  }
  return isOwn
    ? `Limit "${name}" of ${text} is reached: ${again}.`
    : `Too much is asked of what this call needs: ${again}.`;
}

/** The arguments are more than a limit can judge. */
export function tooLargeToJudge(most: number, status: number): McpResult {
  const text = `The arguments of this call are larger than its limit can judge (${most} bytes): send less.`;
  const result = refuse('RATE_LIMITED', text);
  return new McpResult(result.kind, result.raw, status);
}
