// What a status other than 2xx of an upstream means. Nothing here ever becomes the gateway's own status toward
// the client: an upstream's 401 or 404 is an error of the upstream.

import { GatewayError } from '../core/errors.ts';
import { type Message, parseMessage } from '../protocol/jsonrpc.ts';
import type { Era } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { HttpAnswer } from './http-client.ts';
import { mediaType, type Reading, readBody } from './http-read.ts';
import { SessionLost } from './link.ts';
import { type Passing, passing } from './transient.ts';

export type Verdict =
  | {
      readonly kind: 'message';
      readonly message: Message;
      /** The mirrored headers are wrong. */
      readonly headers: boolean;
      /** It looks as if the server did not speak the link's era any more. */
      readonly stale: boolean;
      /** Another try may be answered otherwise. */
      readonly passing: Passing | undefined;
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
    return refused(
      `The upstream "${upstream}" refused the gateway's credential (${status}).`,
      reading,
      answer,
    );
  }
  if (status >= 300 && status <= 399) {
    const to = originOf(answer.header('location'));
    const what = `redirects (${status}${to ? ` to ${to}` : ''}); redirects are not followed`;
    return refused(`The upstream "${upstream}" ${what}.`, reading, answer);
  }
  if (message) {
    const stale = asked !== undefined && STRANGE[asked.era].includes(code);
    const again = passing(status, waitOf(answer));
    return { kind: 'message', message, headers: code === HEADER_MISMATCH, stale, passing: again };
  }
  return { kind: 'fault', error: unavailable(answer, upstream) };
}

/** The two client errors that another try may cure; the others say that what is asked is no such server. */
const OVERLOADED = [408, 429];

/** The error for a status that carries no message. */
export function unavailable(answer: HttpAnswer, upstream: string): GatewayError {
  const { status } = answer;
  const retry = answer.header('retry-after');
  const detail = `The upstream "${upstream}" answered ${status}${retry ? ` (retry after ${retry})` : ''}.`;
  if (status < 500 && !OVERLOADED.includes(status))
    return new GatewayError('UPSTREAM_INVALID', detail, { upstream, status });
  const retryAfterMs = waitOf(answer);
  return new GatewayError('UPSTREAM_UNAVAILABLE', detail, {
    upstream,
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** The longest wait that is believed: what is further off is a mistake. */
const LONGEST_S = 999_999;

/** How long it asks to be left alone, in milliseconds. A date counts from the one of the answer: clocks differ. */
function waitOf(answer: HttpAnswer): number | undefined {
  const retry = answer.header('retry-after')?.trim() ?? '';
  if (/^\d{1,6}$/.test(retry)) return Number(retry) * 1000;
  const wait = dateOf(retry) - dateOf(answer.header('date') ?? '');
  return wait <= LONGEST_S * 1000 ? Math.max(0, wait) : undefined;
}

/** @returns NaN for what is no date of HTTP (RFC 9110 §5.6.7) */
function dateOf(text: string): number {
  return /^[A-Z][a-z]+,? .*\d\d:\d\d:\d\d/.test(text) ? Date.parse(text) : Number.NaN;
}

/** Not more of an address than that: the rest may hold what is meant for the one who follows it. */
function originOf(location: string | undefined): string | undefined {
  if (location === undefined || !URL.canParse(location)) return undefined;
  const { protocol, host } = new URL(location);
  return /^https?:$/.test(protocol) ? `${protocol}//${host}` : undefined;
}

function refused(detail: string, { upstream }: Reading, { status }: HttpAnswer): Verdict {
  return { kind: 'fault', error: new GatewayError('UPSTREAM_REFUSED', detail, { upstream, status }) };
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
