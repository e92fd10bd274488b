// What a caller is told that is not let in: an error in the era's form, and the challenges of RFC 9110 §11.6.1.

import { type Exchange, type McpResult, refuse } from '../../src/plugin.ts';
import type { Attempt, Method, Refused, Unavailable } from './attempt.ts';

/** @param attempt undefined where it could not even be made out what was sent */
export function unauthenticated(
  { error, headers }: Refused,
  methods: readonly Pick<Method, 'challenge'>[],
  attempt: Attempt | undefined,
  x: Exchange,
): McpResult {
  const challenges = attempt
    ? methods.map(({ challenge }) => challenge?.(attempt, error)).filter((each) => each !== undefined)
    : [];
  // Bearer first: many clients look at the first one alone.
  challenges.sort((a, b) => Number(b.startsWith('Bearer')) - Number(a.startsWith('Bearer')));
  const said = challenges.length > 0 ? challenges.join(', ') : bare(error);
  const result = refuse('UNAUTHENTICATED', undefined, { requestId: x.id });
  return result.withHeaders({ ...headers, 'www-authenticate': said });
}

/** A 503, and never a 401: its client would throw a good credential away. */
export function unavailable({ retryAfterMs }: Unavailable, x: Exchange): McpResult {
  const data = { requestId: x.id, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  return refuse('AUTH_UNAVAILABLE', undefined, data);
}

function bare(error: string | undefined): string {
  return error === undefined ? 'Bearer' : `Bearer error="${error}"`;
}
