// Runs the onSend hooks over the last bytes of a message, in the order of the pipeline; once more where the server
// turns the message away and a hook has another credential to give.

import { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Outbound, Refusal } from '../core/outbound.ts';
import type { HttpAnswer } from './http-client.ts';

/** @throws what a hook throws: a message that cannot be signed is not sent */
export async function sendThrough(x: Exchange, outbound: Outbound): Promise<Outbound> {
  let last = outbound;
  for (const sender of x.senders) last = (await sender(last, x)) ?? last;
  return last;
}

/** A server says with this status that it has not applied the request, whatever it was (RFC 9110 §15.5.2). */
const UNAUTHORIZED = 401;

/**
 * Sends a message through the hooks to its answer. One that is answered with 401 is sent once more where a hook says
 * that it has something else to give: calls of tools, too, since nothing of it has been done.
 */
export async function sendOut(
  x: Exchange,
  outbound: Outbound,
  send: (outbound: Outbound) => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  const first = await sendThrough(x, outbound);
  const answer = await send(first);
  if (answer.status !== UNAUTHORIZED) return answer;
  const challenge = answer.header('www-authenticate');
  if (!(await hasOther(x, { outbound: first, challenge }))) return answer;
  answer.discard();
  return send(await sendThrough(x, outbound));
}

/** The same of a message whose answer has been made a fault. */
export function isTurnedAway(error: unknown): boolean {
  return (
    error instanceof GatewayError && error.code === 'UPSTREAM_REFUSED' && error.data.status === UNAUTHORIZED
  );
}

/** Whether any hook gives something else now. All are told. */
export async function hasOther(x: Exchange, refusal: Refusal): Promise<boolean> {
  let has = false;
  for (const { refused } of x.senders) if (await refused?.(refusal, x)) has = true;
  return has && !x.signal.aborted;
}
