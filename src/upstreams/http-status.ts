// What a status other than 2xx of an upstream means. Nothing here ever becomes the gateway's own status toward
// the client: an upstream's 401 or 404 is an error of the upstream. (pitfalls: 32, 33, 41)

import { GatewayError } from '../core/errors.ts';
import { type Message, parseMessage } from '../protocol/jsonrpc.ts';
import { RawObject } from '../protocol/raw.ts';
import type { HttpAnswer } from './http-client.ts';
import { mediaType, type Reading, readBody } from './http-read.ts';
import { SessionLost } from './link.ts';

export type Verdict =
  | { readonly kind: 'message'; readonly message: Message; readonly headers: boolean }
  | { readonly kind: 'fault'; readonly error: GatewayError };

const HEADER_MISMATCH = -32020;

/** @param session whether the request named a session, so that 404 means it is gone */
export async function statusFault(answer: HttpAnswer, reading: Reading, session: boolean): Promise<Verdict> {
  const { upstream } = reading;
  const { status } = answer;
  const message = await jsonRpcError(answer, reading);
  if (status === 404 && session) return { kind: 'fault', error: new SessionLost(upstream) };
  if (status === 401 || status === 403) {
    return fault('UPSTREAM_REFUSED', `The upstream "${upstream}" refused the gateway's credential (${status}).`, upstream);
  }
  if (status >= 300 && status <= 399) {
    return fault('UPSTREAM_REFUSED', `The upstream "${upstream}" redirects (${status}); redirects are not followed.`, upstream);
  }
  if (message) {
    const code = message.kind === 'error' ? message.error.get('code') : undefined;
    return { kind: 'message', message, headers: code === HEADER_MISMATCH };
  }
  const retry = answer.header('retry-after');
  return fault('UPSTREAM_UNAVAILABLE', `The upstream "${upstream}" answered ${status}${retry ? ` (retry after ${retry})` : ''}.`, upstream);
}

function fault(code: 'UPSTREAM_REFUSED' | 'UPSTREAM_UNAVAILABLE', detail: string, upstream: string): Verdict {
  return { kind: 'fault', error: new GatewayError(code, detail, { upstream }) };
}

/** A JSON-RPC error in the body; its id may be null or absent. */
async function jsonRpcError(answer: HttpAnswer, reading: Reading): Promise<Message | undefined> {
  if (mediaType(answer) !== 'application/json') {
    answer.discard();
    return undefined;
  }
  try {
    const message = parseMessage(await readBody(answer, reading), reading.limits.json);
    if (message.kind !== 'error') return undefined;
    // The id is ours by the exchange, whatever the body says of it.
    return { kind: 'error', id: undefined, error: message.error, raw: RawObject.trusted('{}') };
  } catch {
    return undefined;
  }
}
