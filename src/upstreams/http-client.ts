// HTTP/1.1 to one upstream: a request out, a status and a stream of bytes back. Never follows a redirect,
// never inflates, never retries by itself. Knows nothing of MCP.

import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { GatewayError, messageOf } from '../core/errors.ts';
import type { Outbound } from '../core/outbound.ts';
import { createAgents } from './agents.ts';
import type { TlsOptions } from './certificates.ts';
import { type ConnectTimeouts, connectWithin, ignore, LateConnection } from './connecting.ts';
import { AddressRefused } from './names.ts';
import { tlsReason } from './tls-reasons.ts';
import { Transient, Unreachable, Unreached } from './transient.ts';

export interface HttpAnswer {
  readonly status: number;
  /** First value of a header, by lower-case name. */
  header(name: string): string | undefined;
  /** The body. Stopping the iteration drops the connection, unless `finish` was called; not pulling holds the upstream back. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Nothing more is wanted. What the upstream needs to end well is passed over, so that the connection can be kept. */
  finish(): void;
  /** Nothing of it is wanted. A short rest is passed over, so that the connection can be kept; a long one is dropped. */
  discard(): void;
}

export interface HttpClient {
  /**
   * Sends one request.
   * @param sent called once a connection is there that takes it
   * @throws GatewayError UPSTREAM_UNAVAILABLE when no answer head arrives (`Unanswered` where a kept connection
   * was the cause); the signal's reason when aborted
   */
  send(outbound: Outbound, signal: AbortSignal, sent?: () => void): Promise<HttpAnswer>;
  close(): void;
}

/**
 * A kept connection was closed as it was used again, before one byte came back: most likely the upstream had
 * closed it while it was idle and has not seen the request.
 */
export class Unanswered extends Transient {}

export interface HttpClientOptions {
  readonly upstream: string;
  readonly timeouts: ConnectTimeouts;
  /** From names to addresses. */
  readonly lookup: LookupFunction;
  /** What TLS goes by; another object when it has changed. @throws Error where there is nothing that can be used */
  readonly tls?: (() => TlsOptions) | undefined;
  /** A connection did not stand in time. */
  readonly late?: (kind: keyof ConnectTimeouts) => void;
}

export function createHttpClient({ upstream, timeouts, lookup, tls, late }: HttpClientOptions): HttpClient {
  const agents = createAgents(tls);

  return {
    send(outbound, signal, sent) {
      const url = new URL(outbound.url);
      const secure = url.protocol === 'https:';
      if (signal.aborted) return Promise.reject(signal.reason);
      let agent: RequestOptions['agent'];
      try {
        agent = secure ? agents.https() : agents.http;
      } catch (error) {
        return Promise.reject(unusable(upstream, error));
      }
      const options: RequestOptions = {
        method: outbound.method,
        agent,
        headers: withLength(outbound),
        lookup,
      };
      const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
      const request = (secure ? httpsRequest : httpRequest)(url, options);
      let incoming: IncomingMessage | undefined;
      let stood = false;
      // Not the `signal` option: it ends a connection whose answer is complete, which others may have by then.
      const abort = (): void => {
        if (!incoming?.complete) request.destroy(new Error('aborted'));
      };
      const over = (): void => signal.removeEventListener('abort', abort);
      signal.addEventListener('abort', abort, { once: true });
      const connecting = connectWithin(timeouts, request, (kind) => {
        if (kind === undefined) {
          stood = true;
          return sent?.();
        }
        late?.(kind);
        request.destroy(new LateConnection(upstream, kind, timeouts[kind]));
      });
      request.once('response', (response) => {
        connecting.stands();
        incoming = response;
        for (const event of ['end', 'error', 'close']) response.on(event, over);
        resolve(answer(response, upstream));
      });
      request.on('error', (error) => {
        connecting.over();
        over();
        const { reusedSocket } = request;
        reject(signal.aborted ? signal.reason : unreachable(upstream, url, error, stood, reusedSocket));
      });
      request.end(outbound.body === '' ? undefined : outbound.body);
      return promise;
    },
    close() {
      agents.close();
    },
  };
}

/** The words for the operator are in the log; where files lie is nothing for a caller. */
function unusable(upstream: string, error: unknown): GatewayError {
  const isSystem = typeof (error as { code?: unknown }).code === 'string';
  const why = isSystem ? 'they cannot be read' : messageOf(error);
  return new GatewayError(
    'UPSTREAM_UNAVAILABLE',
    `The upstream "${upstream}" cannot be reached with the certificates it is configured with: ${why}`,
    { upstream, reason: 'tls_own_certificate' },
  );
}

function withLength({ headers, body, method }: Outbound): Record<string, string> {
  return method === 'POST'
    ? { ...headers, 'content-length': String(Buffer.byteLength(body)) }
    : { ...headers };
}

const CLOSED: readonly unknown[] = ['ECONNRESET', 'EPIPE'];
/** Another try may find it otherwise. A certificate that is wrong stays wrong, and so does what is no HTTP. */
const PASSING: readonly unknown[] = [
  ...CLOSED,
  ...['ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN'],
];

/** @param stood whether there was a connection */
function unreachable(
  upstream: string,
  url: URL,
  error: unknown,
  stood: boolean,
  reused: boolean,
): GatewayError {
  if (error instanceof LateConnection) return error;
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

/** How long an upstream may take to end an answer of which nothing more is wanted. */
const ENDING_MS = 1_000;

function answer(response: IncomingMessage, upstream: string): HttpAnswer {
  let finishing = false;
  const leave = (): void => {
    if (!finishing || response.readableEnded) response.destroy();
    else passOver(response);
  };
  return {
    status: response.statusCode ?? 0,
    header(name) {
      const value = response.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    chunks: body(response, upstream, leave),
    finish() {
      finishing = true;
    },
    discard: () => passOver(response),
  };
}

function passOver(response: IncomingMessage): void {
  const slow = setTimeout(() => response.destroy(), ENDING_MS);
  response.once('close', () => clearTimeout(slow));
  response.on('error', ignore);
  response.resume();
}

async function* body(
  response: IncomingMessage,
  upstream: string,
  leave: () => void,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array;
  } catch (error) {
    throw new GatewayError(
      'UPSTREAM_UNAVAILABLE',
      `The upstream "${upstream}" broke off: ${messageOf(error)}`,
      {
        upstream,
      },
    );
  } finally {
    leave();
  }
}
