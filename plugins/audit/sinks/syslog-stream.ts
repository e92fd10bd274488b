// Syslog over a connection: TCP with octet counting (RFC 6587 §3.4.1), or TLS (RFC 5425). Nobody acknowledges anything
// there: what was written before a connection broke may not have arrived, so the last batch is sent once more.

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { DeliveryFault } from '../delivery/fault.ts';

export interface StreamPlace {
  readonly host: string;
  readonly port: number;
  /** Absent: plain TCP. */
  readonly tls?: { readonly ca?: string | undefined } | undefined;
}

export class SyslogStream {
  #socket: Socket | undefined;
  #last = Buffer.alloc(0);

  constructor(readonly place: StreamPlace) {}

  /** @throws DeliveryFault, or what the platform says of the connection */
  async send(messages: readonly Buffer[], signal: AbortSignal): Promise<void> {
    const batch = Buffer.concat(messages.flatMap((each) => [Buffer.from(`${each.length} `), each]));
    const isNew = this.#socket === undefined;
    this.#socket ??= await this.#open(signal);
    await this.#write(isNew ? Buffer.concat([this.#last, batch]) : batch, signal);
    this.#last = batch;
  }

  close(): void {
    this.#socket?.end();
    this.#socket = undefined;
  }

  #open(signal: AbortSignal): Promise<Socket> {
    const { host, port, tls } = this.place;
    return new Promise((resolve, reject) => {
      const socket = tls
        ? connectTls({ host, port, ...tls, ...(isName(host) && { servername: host }) })
        : connect({ host, port });
      const give = () => socket.destroy(signal.reason as Error);
      signal.addEventListener('abort', give, { once: true });
      socket.once('error', reject);
      // It outlives the attempt that opened it, whose time runs out once it is over, too.
      const over = () => signal.removeEventListener('abort', give);
      socket.once(tls ? 'secureConnect' : 'connect', () => {
        over();
        resolve(socket);
      });
      socket.once('close', () => {
        over();
        if (this.#socket === socket) this.#socket = undefined;
        reject(new DeliveryFault(`${host}:${port} closed the connection`, 'unreachable'));
      });
      // Whatever it says is nobody's business, and has to be read for its end to be seen.
      socket.on('error', () => {}).resume();
      socket.unref();
    });
  }

  #write(bytes: Buffer, signal: AbortSignal): Promise<void> {
    const socket = this.#socket as Socket;
    return new Promise((resolve, reject) => {
      const gone = () => reject(new DeliveryFault(`${this.place.host} closed the connection`, 'unreachable'));
      const give = () => socket.destroy();
      socket.once('close', gone);
      signal.addEventListener('abort', give, { once: true });
      socket.write(bytes, (error) => {
        socket.removeListener('close', gone);
        signal.removeEventListener('abort', give);
        if (error) reject(error);
        else resolve();
      });
    });
  }
}

const isName = (host: string): boolean => !/^[\d.]+$|:/.test(host);
