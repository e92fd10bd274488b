// Why no answer came from an upstream over HTTP, as an error for the caller that says whether another try makes sense.

import { GatewayError, messageOf } from '../core/errors.ts';
import type { ConnectTimeouts } from './http1-dial.ts';
import { AddressRefused } from './names.ts';
import { tlsReason } from './tls-reasons.ts';
import { Transient, Unreachable, Unreached } from './transient.ts';

/**
 * A kept connection was closed as it was used again, before one byte came back: most likely the upstream had
 * closed it while it was idle and has not seen the request.
 */
export class Unanswered extends Transient {}

export class LateConnection extends Unreached {
  constructor(upstream: string, kind: keyof ConnectTimeouts, ms: number) {
    const what = kind === 'connect' ? 'accept a connection' : 'finish the TLS handshake';
    super(
      'UPSTREAM_TIMEOUT',
      `The upstream "${upstream}" did not ${what} within timeouts.${kind} (${ms} ms).`,
      {
        upstream,
        timeout: kind,
      },
    );
  }
}

/** The words for the operator are in the log; where files lie is nothing for a caller. */
export function unusable(upstream: string, error: unknown): GatewayError {
  const isSystem = typeof (error as { code?: unknown }).code === 'string';
  const why = isSystem ? 'they cannot be read' : messageOf(error);
  return new GatewayError(
    'UPSTREAM_UNAVAILABLE',
    `The upstream "${upstream}" cannot be reached with the certificates it is configured with: ${why}`,
    { upstream, reason: 'tls_own_certificate' },
  );
}

const CLOSED: readonly unknown[] = ['ECONNRESET', 'EPIPE'];
/** Another try may find it otherwise. A certificate that is wrong stays wrong, and so does what is no HTTP. */
const PASSING: readonly unknown[] = [
  ...CLOSED,
  ...['ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'],
];

/** @param at whether there was a connection, and whether it had been used before */
export function unreachable(
  upstream: string,
  url: URL,
  error: unknown,
  { stood, reused }: { readonly stood: boolean; readonly reused: boolean },
): GatewayError {
  if (error instanceof GatewayError) return error;
  const { code } = error as { code?: unknown };
  const tls = tlsReason(error);
  // Of TLS 1.3 a client learns only afterwards that it was not taken.
  const unsent = !stood || (!reused && tls?.name === 'tls_client_certificate');
  const Fault =
    reused && CLOSED.includes(code)
      ? Unanswered
      : PASSING.includes(code)
        ? unsent
          ? Unreached
          : Transient
        : unsent
          ? Unreachable
          : GatewayError;
  const reason = error instanceof AddressRefused ? 'address_refused' : tls?.name;
  const what = stood && !tls ? 'did not answer' : 'cannot be reached';
  const why = tls ? `${tls.says} (${code})` : messageOf(error);
  return new Fault(
    'UPSTREAM_UNAVAILABLE',
    `The upstream "${upstream}" ${what} at ${url.protocol}//${url.host}: ${why}`,
    { upstream, ...(reason && { reason }) },
  );
}
