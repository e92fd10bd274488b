// How long a connection may take to stand, for one request: TCP and TLS each have a time of their own.

import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { Unreached } from './transient.ts';

/** Milliseconds. */
export interface ConnectTimeouts {
  readonly connect: number;
  readonly tls: number;
}

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

/** Listens where nobody else does: an error that nobody hears would end the process. */
export const ignore = (): void => {};

/**
 * Watches a request until it has a connection.
 * @param settled called once: without a word when the connection stands, else with what took too long
 */
export function connectWithin(
  timeouts: ConnectTimeouts,
  request: ClientRequest,
  settled: (late?: keyof ConnectTimeouts) => void,
): { stands(): void; over(): void } {
  let timer: Timer | undefined;
  const begin = (kind: keyof ConnectTimeouts): void => {
    clearTimeout(timer);
    timer = setTimeout(settled, timeouts[kind], kind);
  };
  let isOver = false;
  const over = (): void => {
    isOver = true;
    clearTimeout(timer);
  };
  const stands = (): void => {
    if (isOver) return;
    over();
    settled();
  };
  begin('connect');
  request.once('socket', (socket: Socket & { secureConnecting?: boolean; encrypted?: boolean }) => {
    if (!socket.listeners('error').includes(ignore)) socket.on('error', ignore);
    if (isOver) return;
    const isSecure = socket.encrypted === true;
    if (!socket.connecting && !(isSecure && socket.secureConnecting)) return stands();
    if (!isSecure) return void socket.once('connect', stands);
    socket.once('connect', () => {
      if (!isOver) begin('tls');
    });
    socket.once('secureConnect', stands);
  });
  return { stands, over };
}
