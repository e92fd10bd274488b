// A request of the gateway's own over a link, beside the calls of clients: never without an end.

import type { Exchange } from '../core/exchange.ts';
import type { Settled } from './call.ts';
import type { Link } from './link.ts';

/** Sends `x` and gives it up after `ms`, or when its signal aborts; then it has failed. */
export async function aside(link: Link, x: Exchange, ms: number): Promise<Settled> {
  const call = link.start(x, () => undefined);
  const giveUp = (): void => link.cancel(call, 'no longer waited for');
  const timer = setTimeout(giveUp, ms);
  x.signal.addEventListener('abort', giveUp, { once: true });
  if (x.signal.aborted) giveUp();
  try {
    return await call.settled;
  } finally {
    clearTimeout(timer);
    x.signal.removeEventListener('abort', giveUp);
  }
}
