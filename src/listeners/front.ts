// A door in front of the HTTP server, where that one cannot see who comes in: it ends TLS, asks the kernel who is at
// a Unix socket, and times heads of requests. The bytes go on to the server over a loopback connection of their own,
// whose port says which client it is.

import { X509Certificate } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Host } from '../core/host.ts';
import type { Peer } from '../core/peer.ts';
import { createBudget } from '../lib/budget.ts';
import { isVouchedFor, readCertificates } from '../lib/certificate.ts';
import { settledWithin } from '../lib/settled.ts';
import { refusalText } from './edge.ts';
import { forward } from './forward.ts';
import { type HeadWatch, watchHeads } from './head-watch.ts';
import { peerOf } from './peer.ts';
import type { TellRefused } from './refusals.ts';
import { createTlsServer, type TlsMaterial, type TlsServer, type TlsSettings } from './tls.ts';
import { tlsReason } from './tls-reasons.ts';

export interface FrontOptions {
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string };
  /** The port of the HTTP server behind, on 127.0.0.1. */
  readonly behind: number;
  readonly tls: (TlsSettings & { readonly material: TlsMaterial }) | undefined;
  /** How it is called in logs and figures. */
  readonly name: string;
  /** Milliseconds that the head of a request may take. */
  readonly head: () => number;
  readonly host: Host;
  readonly refused: TellRefused;
}

/** A client's connection. */
export type Visit = Pick<HeadWatch, 'began' | 'answered'> & { readonly peer: () => Peer };

export interface Front {
  readonly port: number | undefined;
  /** Whose requests come from a port of 127.0.0.1; undefined for whoever found the server behind by himself. */
  visit(port: number): Visit | undefined;
  renew(material: TlsMaterial): void;
  /** Accepts no more. */
  close(): void;
  /** Ends everything, once the server behind has ended: what it has said by then still leaves. */
  stop(): Promise<void>;
}

/** How long what was said last may take to leave: a moment, nothing to be set. */
const LAST_BYTES_MS = 1_000;

/** @throws Error when the address is taken or not ours to bind, or the certificates cannot be used */
export async function openFront(options: FrontOptions): Promise<Front> {
  const visits = new Map<number, Visit>();
  const sockets = new Set<Socket>();
  const admitted = new Set<Socket>();
  const accept = (socket: Socket): void => {
    admitted.add(socket);
    socket.on('close', () => admitted.delete(socket));
    admit(socket, options, visits);
  };
  const tls = options.tls && createTlsServer(options.tls.material, options.tls, accept);
  const server: Server = tls?.server ?? createServer({ allowHalfOpen: true, noDelay: true }, accept);
  if (tls) tellFailures(tls, options);
  // Before a handshake, too.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await listening(server, options.address);
  server.on('error', (error) =>
    options.host.log.error('listener failed', { listener: options.name, error: error.message }),
  );
  const at = server.address();
  let authorities = options.tls?.material.authorities;
  return {
    port: typeof at === 'object' && at !== null ? at.port : undefined,
    visit: (port) => visits.get(port),
    renew(material) {
      tls?.renew(material);
      if (material.authorities === authorities) return;
      authorities = material.authorities;
      endDistrusted(admitted, authorities);
    },
    close: () => void server.close(),
    async stop() {
      await settledWithin(Promise.all([...admitted].map(written)), LAST_BYTES_MS);
      for (const socket of [...admitted, ...sockets]) socket.destroy();
    },
  };
}

function admit(socket: Socket, options: FrontOptions, visits: Map<number, Visit>): void {
  const { name, host, head, behind, refused } = options;
  socket.setNoDelay(true);
  const watch = watchHeads(head, (asked) => {
    host.metrics.timeouts.inc({ kind: 'head', listener: name });
    refused({ code: 'HEAD_TIMEOUT', listener: name, remote: () => socket.remoteAddress });
    if (asked) forwarded.end(LATE);
    else socket.destroy();
  });
  const peer = peerOf(socket, 'path' in options.address);
  socket.on('close', () => watch.stop());
  const forwarded = forward(socket, behind, {
    opened: (port) => void visits.set(port, { peer, began: watch.began, answered: watch.answered }),
    closed: (port) => void visits.delete(port),
    passing(direction) {
      if (direction === 'in') watch.bytes();
      else watch.sent();
    },
  });
}

/**
 * A connection stands for the certificate it began with, so it ends when nobody vouches for that any more. Whoever
 * has one by way of an intermediate that is not among the authorities is verified by another handshake.
 */
function endDistrusted(admitted: ReadonlySet<Socket>, authorities: string | undefined): void {
  const known = authorities === undefined ? [] : readCertificates(authorities);
  for (const socket of admitted) {
    if (!(socket instanceof TLSSocket) || !socket.authorized) continue;
    const { raw } = socket.getPeerCertificate() ?? {};
    if (raw && !isVouchedFor(new X509Certificate(raw), known)) socket.destroy();
  }
}

/** What a client is told whose head was late; not of an exchange, so no id. */
const LATE = ((): string => {
  const body = refusalText('HEAD_TIMEOUT', undefined, null);
  return [
    'HTTP/1.1 408 Request Timeout',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
})();

/** Lines of the log in a second. The figures have all. */
const LINES = 20;

function tellFailures({ server }: TlsServer, { name, host }: FrontOptions): void {
  const budget = createBudget(LINES, 1_000, host.now);
  server.on('tlsClientError', (error: Error & { code?: string }, socket) => {
    const reason = tlsReason(error);
    host.metrics.tlsFailures.inc({ listener: name, reason });
    if (reason === 'timeout') host.metrics.timeouts.inc({ kind: 'handshake', listener: name });
    const unlogged = budget();
    if (unlogged !== undefined)
      host.log.debug('TLS handshake failed', {
        listener: name,
        reason,
        error: error.message,
        remote: socket.remoteAddress,
        ...(unlogged > 0 && { unlogged }),
      });
    // The runtime leaves a connection open whose handshake took too long (Bun 1.4.5).
    socket.destroy();
  });
}

function listening(server: Server, address: FrontOptions['address']): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(
    'path' in address ? { path: address.path } : { host: address.host, port: address.port },
    () => {
      server.off('error', reject);
      resolve();
    },
  );
  return promise;
}

/** Resolves when all has left that is for a client. */
function written(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (socket.writableFinished || socket.destroyed) resolve();
  socket.on('finish', resolve).on('close', () => resolve());
  return promise;
}
