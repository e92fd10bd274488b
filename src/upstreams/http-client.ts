// What a link needs of HTTP: a request out, a status and a stream of bytes back. Never follows a redirect,
// never inflates, never retries by itself. Knows nothing of MCP.

import type { Outbound } from '../core/outbound.ts';

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
