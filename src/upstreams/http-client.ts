// HTTP/1.1 to one upstream: a request out, a status and a stream of bytes back. Never follows a redirect,
// never inflates, never retries by itself. Knows nothing of MCP.

import type { LookupFunction } from 'node:net';
import type { Outbound } from '../core/outbound.ts';
import type { TlsOptions } from './certificates.ts';
import type { ConnectTimeouts } from './connecting.ts';
import { createHttp1Client } from './http1-client.ts';
import { createHttpsClient } from './https-client.ts';

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

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const plain = createHttp1Client(options);
  const secure = createHttpsClient(options);
  return {
    send: (outbound, signal, sent) =>
      (outbound.url.startsWith('https:') ? secure : plain).send(outbound, signal, sent),
    close() {
      plain.close();
      secure.close();
    },
  };
}
