// Runs the onSend hooks over the last bytes of a message, in the order of the pipeline.

import type { Exchange } from '../core/exchange.ts';
import type { Outbound } from '../core/outbound.ts';

/** @throws what a hook throws: a message that cannot be signed is not sent */
export async function sendThrough(x: Exchange, outbound: Outbound): Promise<Outbound> {
  let last = outbound;
  for (const sender of x.senders) last = (await sender(last, x)) ?? last;
  return last;
}
