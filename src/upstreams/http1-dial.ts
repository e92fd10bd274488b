// A TCP connection to the first address of a name that takes one: one after the other, each with a head start before the
// next (RFC 8305 §5).

import { isIP, type LookupFunction } from 'node:net';
import type { SocketHandler } from 'bun';
import type { Connection } from './http1-connection.ts';

/** RFC 8305 §5, recommended value, in milliseconds. */
const HEAD_START_MS = 250;

export interface Place {
  /** A name or an address; of IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Until it is known which connection it is, nobody hears of what becomes of a socket. */
type Wired = { connection: Connection | undefined };

const EVENTS: SocketHandler<Wired> = {
  data: ({ data: { connection } }, bytes) => connection?.data(bytes),
  drain: ({ data: { connection } }) => connection?.drain(),
  end: ({ data: { connection } }) => connection?.ended(),
  close: ({ data: { connection } }, error) => connection?.closed(error),
  error: ({ data: { connection } }, error) => connection?.lost(error),
};

/**
 * Settles when the connection stands, or no address takes one.
 * @param isOver whether nobody wants it any more: then it may never settle
 * @throws what the resolver says, or the system of the last address
 */
export async function dial(
  place: Place,
  lookup: LookupFunction,
  connection: Connection,
  isOver: () => boolean,
): Promise<void> {
  const addresses = await addressesOf(place.host, lookup);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isWon = false;
  let begun = 0;
  let pending = 0;
  let soon: Timer | undefined;
  const attempt = (): void => {
    const hostname = addresses[begun];
    if (hostname === undefined || isWon || isOver()) return;
    begun++;
    pending++;
    if (begun < addresses.length) soon = setTimeout(attempt, HEAD_START_MS);
    open(hostname);
  };
  const open = (hostname: string): void => {
    const failed = (error: unknown): void => {
      pending--;
      clearTimeout(soon);
      if (begun < addresses.length) attempt();
      else if (pending === 0) reject(refused(error, hostname, place.port));
    };
    Bun.connect<Wired>({
      hostname,
      port: place.port,
      data: { connection: undefined },
      socket: {
        ...EVENTS,
        open(socket) {
          clearTimeout(soon);
          if (isWon || isOver()) return socket.terminate();
          isWon = true;
          socket.data.connection = connection;
          connection.opened(socket);
          resolve();
        },
        // The promise says it, too.
        connectError() {},
      },
    }).catch(failed);
  };
  attempt();
  return promise;
}

function refused(error: unknown, address: string, port: number): Error {
  const { code } = error as { code?: string };
  const where = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return Object.assign(new Error(`connect ${code ?? String(error)} ${where}`), { code });
}

function addressesOf(host: string, lookup: LookupFunction): Promise<readonly string[]> {
  if (isIP(host) !== 0) return Promise.resolve([host]);
  return new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, found) => {
      if (error) reject(error);
      else resolve(typeof found === 'string' ? [found] : found.map(({ address }) => address));
    });
  });
}
