// What a status other than 2xx of an upstream means. Nothing here ever becomes the gateway's own status toward
// the client: an upstream's 401 or 404 is an error of the upstream.

import { GatewayError } from '../core/errors.ts';
import { type Message, parseMessage } from '../protocol/jsonrpc.ts';
import type { Era } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { HttpAnswer } from './http-client.ts';
import { mediaType, type Reading, readBody } from './http-read.ts';
import { SessionLost } from './link.ts';

export type Verdict =
  | {
      readonly kind: 'message';
      readonly message: Message;
      /** The mirrored headers are wrong. */
      readonly headers: boolean;
      /** It looks as if the server did not speak the link's era any more. */
      readonly stale: boolean;
    }
  | { readonly kind: 'fault'; readonly error: GatewayError };

/** The link whose request was answered. */
export interface Asked {
  readonly era: Era;
  /** Whether the request named a session, so that 404 means it is gone. */
  readonly session: boolean;
}

const HEADER_MISMATCH = -32020;
const VERSION_UNSUPPORTED = -32022;

/** Statuses with which a server that knows no stateless requests turns them away before it looks at them. */
const TURNED_AWAY = [400, 404, 405];

/** Codes that a server of the era does not give: "no session" to a stateless request, and the other way round. */
const STRANGE: Readonly<Record<Era, readonly unknown[]>> = {
  '2025': [HEADER_MISMATCH],
  '2026': [-32000, -32001],
};

/** Servers on older SDKs say 400 with one of these where the specification wants 404: the session is not theirs. */
const NO_SESSION: readonly unknown[] = [-32000, -32001];

/** @param asked undefined while there is no link yet */
export async function statusFault(
  answer: HttpAnswer,
  reading: Reading,
  asked: Asked | undefined,
): Promise<Verdict> {
  const { upstream } = reading;
  const { status } = answer;
  const message = await jsonRpcError(answer, reading);
  const code = message?.kind === 'error' ? message.error.get('code') : undefined;
  // A revision that is not taken any more was refused before the request was looked at.
  if (asked && code === VERSION_UNSUPPORTED)
    return { kind: 'fault', error: new SessionLost(upstream, 'does not take the revision it took before') };
  const lost =
    asked?.era === '2026'
      ? !message && TURNED_AWAY.includes(status)
      : asked?.session && (status === 404 || (status === 400 && NO_SESSION.includes(code)));
  if (lost) return { kind: 'fault', error: new SessionLost(upstream) };
  if (status === 401 || status === 403) {
    return fault(
      'UPSTREAM_REFUSED',
      `The upstream "${upstream}" refused the gateway's credential (${status}).`,
      upstream,
    );
  }
  if (status >= 300 && status <= 399) {
    return fault(
      'UPSTREAM_REFUSED',
      `The upstream "${upstream}" redirects (${status}); redirects are not followed.`,
      upstream,
    );
  }
  if (message) {
    const stale = asked !== undefined && STRANGE[asked.era].includes(code);
    return { kind: 'message', message, headers: code === HEADER_MISMATCH, stale };
  }
  return { kind: 'fault', error: unavailable(answer, upstream) };
}

export function unavailable(answer: HttpAnswer, upstream: string): GatewayError {
  const retry = answer.header('retry-after');
  const detail = `The upstream "${upstream}" answered ${answer.status}${retry ? ` (retry after ${retry})` : ''}.`;
  return new GatewayError('UPSTREAM_UNAVAILABLE', detail, { upstream });
}

function fault(code: 'UPSTREAM_REFUSED', detail: string, upstream: string): Verdict {
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
