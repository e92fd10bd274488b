// A session is good for the principal that began it and for nobody else: who has its id, and proves to be another,
// is told that there is no such session.

import { identityKey } from './client.ts';
import { errorResult } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Handler } from './handler.ts';

/**
 * The pipeline that `build` makes around `next`. Whose call it is, plugins find out; so what they let pass is
 * looked at, and what one of them answers, refusals aside.
 */
export function ownSessionOnly(build: (next: Handler) => Handler, next: Handler): Handler {
  const run = build(async (x, emit) => {
    if (!isOwn(x)) return unknown(x);
    // Its own subscription runs as whom the client's requests have shown it to be.
    if (x.request.method !== 'subscriptions/listen') x.client.session?.found?.(x.principal, x.caller.token);
    return next(x, emit);
  });
  return async (x, emit) => {
    const result = await run(x, emit);
    return result.kind === 'error' || isOwn(x) ? result : unknown(x);
  };
}

const unknown = (x: Exchange) => errorResult('SESSION_UNKNOWN', undefined, { requestId: x.id });

function isOwn({ client, principal }: Exchange): boolean {
  const owner = client.session?.principal;
  return owner === undefined || identityKey(owner) === identityKey(principal);
}
