// What ends a result that is being passed on before it is through: the upstream is silent, or takes too long, or its
// client does not take it. The call has had its end by then, and with it the clock of clock.ts. That its caller is gone
// is seen where it is written.

import { GatewayError } from '../core/errors.ts';
import type { Rest } from '../protocol/rest.ts';
import type { Deadlines } from './clock.ts';
import { type Endurance, SlowClient, type Taking } from './slow-client.ts';

export interface RestWatch extends Taking {
  readonly deadlines: Pick<Deadlines, 'idle' | 'total'> & Endurance;
  /** Lets go of what brings it. */
  drop(): void;
}

export function watchRest(rest: Rest, at: RestWatch): void {
  const { idle, total } = at.deadlines;
  const late = (kind: 'idle' | 'total'): void => {
    const { upstream, host } = at;
    host.metrics.timeouts.inc({ kind, upstream });
    const why = `The upstream "${upstream}" took longer than timeouts.${kind} (${at.deadlines[kind]} ms) within a result.`;
    rest.cancel(new GatewayError('UPSTREAM_TIMEOUT', why, { upstream, timeout: kind }));
  };
  const last = setTimeout(late, total, 'total');
  let silent: Timer | undefined;
  const listen = (): void => {
    // While it waits for the client, an upstream is not silent.
    const since = rest.quietSince ?? performance.now();
    const left = since + idle - performance.now();
    if (left <= 0) late('idle');
    else silent = setTimeout(listen, Math.ceil(left));
  };
  listen();
  const client = new SlowClient(
    at,
    () => rest.heldSince,
    (error) => rest.cancel(error),
  );
  // It may take much of its result, and wait for more, before it takes nothing more.
  client.follow();
  void rest.done.then(({ error }) => {
    clearTimeout(last);
    clearTimeout(silent);
    client.stop();
    if (error) at.drop();
  });
}
