// HTTP/1.1 to one upstream, over TCP or TLS: one write for a request, and its answer read where it lies. Connections are
// kept for the next request, never shared by two at once.

import type { LookupFunction } from 'node:net';
import type { TlsOptions } from './certificates.ts';
import type { HttpAnswer, HttpClient } from './http-client.ts';
import { LateConnection, unreachable, unusable } from './http-faults.ts';
import { Connection } from './http1-connection.ts';
import { type ConnectTimeouts, dial, Late, type Place } from './http1-dial.ts';
import { requestBytes } from './http1-head.ts';
import { createIdle } from './http1-idle.ts';

export interface HttpClientOptions {
  readonly upstream: string;
  readonly timeouts: ConnectTimeouts;
  /** From names to addresses. */
  readonly lookup: LookupFunction;
  /** What TLS goes by; another object when it has changed. @throws Error where there is nothing that can be used */
  readonly tls?: (() => TlsOptions) | undefined;
  /** A connection did not stand in time. */
  readonly late?: ((kind: keyof ConnectTimeouts) => void) | undefined;
}

interface Target {
  readonly url: URL;
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
  readonly path: string;
}

const DEFAULTS: Partial<TlsOptions> = {};

export function createHttpClient({ upstream, timeouts, lookup, tls, late }: HttpClientOptions): HttpClient {
  const idle = createIdle();
  const all = new Set<Connection>();
  const keys = keysOf();
  let last: { text: string; target: Target } | undefined;
  let isClosed = false;

  /** An upstream has one URL, or a few. */
  const targetOf = (text: string): Target => {
    if (last?.text !== text) last = { text, target: parsed(text) };
    return last.target;
  };

  /** @throws what `dial` throws */
  const connect = async (place: Place, key: string, signal: AbortSignal): Promise<Connection> => {
    const socket = await dial(place, lookup, timeouts, signal);
    const connection: Connection = new Connection(socket, {
      upstream,
      idle: (forMs) => (isClosed ? connection.drop() : idle.put(key, connection, forMs)),
      gone() {
        all.delete(connection);
        idle.remove(key, connection);
      },
    });
    all.add(connection);
    return connection;
  };

  /** @throws GatewayError where the certificates it is configured with cannot be used */
  const placeOf = ({ host, port, isSecure }: Target): Place => {
    if (!isSecure) return { host, port, tls: undefined };
    try {
      return { host, port, tls: tls?.() ?? DEFAULTS };
    } catch (error) {
      throw unusable(upstream, error);
    }
  };

  return {
    send(outbound, signal, sent) {
      if (signal.aborted) return Promise.reject(signal.reason);
      const target = targetOf(outbound.url);
      const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
      let at: Connection | undefined;
      const abort = (): void => at?.drop();
      const over = (): void => {
        at = undefined;
        signal.removeEventListener('abort', abort);
      };
      const failed = (error: unknown, stood: boolean): void => {
        const reused = at !== undefined && at.uses > 1;
        if (error instanceof Late) {
          late?.(error.kind);
          reject(new LateConnection(upstream, error.kind, timeouts[error.kind]));
        } else
          reject(
            signal.aborted ? signal.reason : unreachable(upstream, target.url, error, { stood, reused }),
          );
        over();
      };
      const ask = (connection: Connection, bytes: Uint8Array): void => {
        at = connection;
        sent?.();
        connection.send(bytes, { answered: resolve, failed: (error) => failed(error, true), over });
      };
      try {
        const bytes = requestBytes(outbound, target.url.host, target.path);
        const place = placeOf(target);
        const key = keys(target.url.host, place.tls);
        const kept = idle.take(key);
        signal.addEventListener('abort', abort, { once: true });
        if (kept) ask(kept, bytes);
        else
          connect(place, key, signal).then(
            (connection) => {
              // What became of it meanwhile is the connection's own to tell.
              if (signal.aborted || isClosed) connection.drop();
              if (signal.aborted) failed(signal.reason, false);
              else ask(connection, bytes);
            },
            (error: unknown) => failed(error, false),
          );
      } catch (error) {
        failed(error, false);
      }
      return promise;
    },
    close() {
      isClosed = true;
      idle.close();
      for (const connection of [...all]) connection.drop();
    },
  };
}

/** Connections with other certificates are others: those before are not used again, and run out by themselves. */
function keysOf(): (host: string, tls: object | undefined) => string {
  const numbers = new WeakMap<object, number>();
  let count = 0;
  return (host, tls) => {
    if (!tls) return host;
    const number = numbers.get(tls) ?? ++count;
    numbers.set(tls, number);
    return `${host} ${number}`;
  };
}

function parsed(text: string): Target {
  const url = new URL(text);
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  const isSecure = url.protocol === 'https:';
  return {
    url,
    host,
    isSecure,
    port: Number(url.port || (isSecure ? 443 : 80)),
    path: url.pathname + url.search,
  };
}
