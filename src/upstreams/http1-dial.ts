// A connection to the first address of a name that takes one, over TLS where that is wanted: addresses are tried one
// after the other, each with a head start before the next (RFC 8305 §5).

import { isIP, type LookupFunction, connect as overTcp, type Socket } from 'node:net';
import { connect as overTls } from 'node:tls';
import type { TlsOptions } from './certificates.ts';

/** RFC 8305 §5, recommended value, in milliseconds. */
const HEAD_START_MS = 250;

export interface Place {
  /** A name or an address; of IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Absent where there is none. */
  readonly tls: Partial<TlsOptions> | undefined;
}

/** Milliseconds. */
export interface ConnectTimeouts {
  readonly connect: number;
  readonly tls: number;
}

/** It did not stand in time. */
export class Late extends Error {
  constructor(readonly kind: keyof ConnectTimeouts) {
    super(`no connection within timeouts.${kind}`);
  }
}

/**
 * Nothing is left open where it rejects.
 * @throws Late; what the resolver says, or the system of the last address; the signal's reason
 */
export async function dial(
  place: Place,
  lookup: LookupFunction,
  timeouts: ConnectTimeouts,
  signal: AbortSignal,
): Promise<Socket> {
  const dialling = new Dialling(place);
  const stop = (): void => dialling.fail(signal.reason);
  let timer = setTimeout(() => dialling.fail(new Late('connect')), timeouts.connect);
  signal.addEventListener('abort', stop, { once: true });
  try {
    addressesOf(place.host, lookup).then(
      (addresses) => dialling.begin(addresses),
      (error: unknown) => dialling.fail(error),
    );
    const socket = await dialling.connected;
    if (!place.tls) return socket;
    clearTimeout(timer);
    timer = setTimeout(() => dialling.fail(new Late('tls')), timeouts.tls);
    await dialling.secured;
    return socket;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

class Dialling {
  readonly #connected = Promise.withResolvers<Socket>();
  readonly #secured = Promise.withResolvers<void>();
  readonly #open = new Set<Socket>();
  #addresses: readonly string[] = [];
  #begun = 0;
  #soon: Timer | undefined;
  #isSettled = false;

  constructor(readonly place: Place) {
    // Whoever waits for the first of the two does not wait for the other any more.
    this.#secured.promise.catch(() => {});
  }

  /** TCP stands; of one address, the others are given up. */
  get connected(): Promise<Socket> {
    return this.#connected.promise;
  }

  get secured(): Promise<void> {
    return this.#secured.promise;
  }

  begin(addresses: readonly string[]): void {
    this.#addresses = addresses;
    this.#next();
  }

  fail(error: unknown): void {
    this.#isSettled = true;
    clearTimeout(this.#soon);
    this.#connected.reject(error);
    this.#secured.reject(error);
    for (const socket of this.#open) socket.destroy();
  }

  #next(): void {
    const address = this.#addresses[this.#begun];
    if (address === undefined || this.#isSettled) return;
    this.#begun++;
    if (this.#begun < this.#addresses.length) this.#soon = setTimeout(() => this.#next(), HEAD_START_MS);
    const { host, port, tls } = this.place;
    const socket = tls
      ? overTls({
          host: address,
          port,
          ...(isIP(host) === 0 && { servername: host }),
          ALPNProtocols: ['http/1.1'],
          ...tls,
        })
      : overTcp({ host: address, port });
    this.#open.add(socket);
    socket.once('connect', () => this.#won(socket));
    if (tls) socket.once('secureConnect', () => this.#secured.resolve());
    socket.on('error', (error) => this.#lost(socket, error));
    // A handshake may end without a word.
    socket.once('close', () => this.#lost(socket, new Error('the connection was closed')));
  }

  #won(socket: Socket): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#soon);
    this.#open.delete(socket);
    for (const other of this.#open) other.destroy();
    this.#open.clear();
    this.#open.add(socket);
    this.#connected.resolve(socket);
  }

  #lost(socket: Socket, error: unknown): void {
    if (!this.#open.delete(socket)) return;
    // After the first of the two this is the socket that all is about.
    if (this.#isSettled) this.#secured.reject(error);
    else this.#nextOr(error);
  }

  #nextOr(error: unknown): void {
    clearTimeout(this.#soon);
    if (this.#begun < this.#addresses.length) this.#next();
    else if (this.#open.size === 0) this.fail(error);
  }
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
