// HTTP/1.1 over plain TCP, on the runtime's own sockets: one write for a request, and its answer read where it lies.
// Connections are kept for the next request, never shared by two at once.

import type { LookupFunction } from 'node:net';
import type { ConnectTimeouts } from './connecting.ts';
import { LateConnection } from './connecting.ts';
import type { HttpAnswer, HttpClient } from './http-client.ts';
import { unreachable } from './http-faults.ts';
import { Connection, type Owner } from './http1-connection.ts';
import { dial, type Place } from './http1-dial.ts';
import { requestBytes } from './http1-head.ts';
import { createIdle } from './http1-idle.ts';

export interface Http1Options {
  readonly upstream: string;
  readonly timeouts: ConnectTimeouts;
  readonly lookup: LookupFunction;
  readonly late?: ((kind: keyof ConnectTimeouts) => void) | undefined;
}

interface Target extends Place {
  readonly url: URL;
  /** Where connections to it are kept. */
  readonly key: string;
  readonly path: string;
}

export function createHttp1Client({ upstream, timeouts, lookup, late }: Http1Options): HttpClient {
  const idle = createIdle();
  const all = new Set<Connection>();
  let last: { text: string; target: Target } | undefined;
  let isClosed = false;

  /** An upstream has one URL, or a few. */
  const targetOf = (text: string): Target => {
    if (last?.text !== text) last = { text, target: parsed(text) };
    return last.target;
  };

  /** @throws LateConnection; what the resolver or the system says */
  const connect = async (target: Target, isOver: () => boolean): Promise<Connection> => {
    const owner: Owner = {
      upstream,
      idle: (connection, forMs) => (isClosed ? connection.drop() : idle.put(target.key, connection, forMs)),
      gone: (connection) => {
        all.delete(connection);
        idle.remove(target.key, connection);
      },
    };
    const connection = new Connection(owner);
    let isLate = false;
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      isLate = true;
      late?.('connect');
      reject(new LateConnection(upstream, 'connect', timeouts.connect));
    }, timeouts.connect);
    try {
      await Promise.race([dial(target, lookup, connection, () => isLate || isOver()), promise]);
    } finally {
      clearTimeout(timer);
    }
    all.add(connection);
    return connection;
  };

  return {
    send(outbound, signal, sent) {
      if (signal.aborted) return Promise.reject(signal.reason);
      const target = targetOf(outbound.url);
      let bytes: Buffer;
      try {
        bytes = requestBytes(outbound, target.url.host, target.path);
      } catch (error) {
        return Promise.reject(unreachable(upstream, target.url, error, { stood: false, reused: false }));
      }
      const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
      let at: Connection | undefined;
      const abort = (): void => {
        if (at) at.drop();
        reject(signal.reason);
      };
      const over = (): void => signal.removeEventListener('abort', abort);
      const failed = (error: unknown, stood: boolean): void => {
        over();
        const reused = at !== undefined && at.uses > 1;
        reject(signal.aborted ? signal.reason : unreachable(upstream, target.url, error, { stood, reused }));
      };
      const ask = (connection: Connection): void => {
        at = connection;
        sent?.();
        connection.send(bytes, {
          answered: resolve,
          failed: (error) => failed(error, true),
          over() {
            at = undefined;
            over();
          },
        });
      };
      signal.addEventListener('abort', abort, { once: true });
      const kept = idle.take(target.key);
      if (kept) ask(kept);
      else {
        connect(target, () => signal.aborted).then(
          (connection) => (signal.aborted || isClosed ? connection.drop() : ask(connection)),
          (error: unknown) => failed(error, false),
        );
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

function parsed(text: string): Target {
  const url = new URL(text);
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  return { url, host, port: Number(url.port || 80), key: url.host, path: url.pathname + url.search };
}
