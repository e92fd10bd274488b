// The onSend hook of a pipeline's entry, as something that looks at the last bytes of a message: what it returns, and
// what becomes of a message that it does not let go, or that the upstream turns away.

import { McpResult } from '../protocol/message.ts';
import { catalogue, type ErrorName, GatewayError } from './errors.ts';
import type { Exchange, Sender } from './exchange.ts';
import type { Outbound, Refusal } from './outbound.ts';
import type { Guard } from './step.ts';

export function senderOf(guard: Guard): Sender {
  const { onRefused, passesOn } = guard.hooks;
  return Object.assign((outbound: Outbound, leg: Exchange) => send(guard, outbound, leg), {
    passesOn,
    ...(onRefused && { refused: (refusal: Refusal, leg: Exchange) => refused(guard, refusal, leg) }),
  });
}

/** @throws GatewayError: a message whose sender failed is not sent */
async function send(guard: Guard, outbound: Outbound, x: Exchange): Promise<Outbound | undefined> {
  try {
    const verdict = await guard.in(x, guard.hooks.onSend?.(outbound, x));
    if (verdict === undefined || verdict === null || verdict === outbound) return undefined;
    if (verdict instanceof McpResult) return notSent(guard, verdict, x);
    if (!isOutbound(verdict)) throw new TypeError(RETURNS);
    return guard.shadow ? guard.would('changed the bytes sent', x) : verdict;
  } catch (error) {
    if (error instanceof NotSent) throw error;
    const refusal = guard.fault(error, x);
    if (refusal?.code === 'PLUGIN_FAILED') x.decided(guard.id);
    if (refusal) throw refusal;
    return undefined;
  }
}

/** The hook has said why the message is not to leave, in words for who waits for it. */
class NotSent extends GatewayError {}

function notSent(guard: Guard, verdict: McpResult, x: Exchange): undefined {
  const data = verdict.raw.object('data')?.value ?? {};
  const { code } = data;
  if (verdict.kind !== 'error' || typeof code !== 'string' || !Object.hasOwn(catalogue, code))
    throw new TypeError(RETURNS);
  if (guard.shadow) return guard.would('sent nothing', x);
  x.decided(guard.id);
  throw new NotSent(code as ErrorName, verdict.raw.string('message'), {
    ...data,
    requestId: x.id,
    plugin: guard.id,
  });
}

/** Whether the hook has something else to give; one that fails has not. */
async function refused(guard: Guard, refusal: Refusal, x: Exchange): Promise<boolean> {
  if (guard.shadow) return false;
  try {
    return (await guard.in(x, guard.hooks.onRefused?.(refusal, x) ?? false)) === true;
  } catch (error) {
    guard.fault(error, x);
    return false;
  }
}

function isOutbound(value: unknown): value is Outbound {
  const { url, headers, body } = Object(value) as Partial<Outbound>;
  return (
    typeof url === 'string' && typeof body === 'string' && typeof headers === 'object' && headers !== null
  );
}

const RETURNS =
  'onSend must return the outbound message with headers added, an error of refuse(…) or nothing';
