// Carries bytes between a client's connection and the gateway's own HTTP server, in both directions, no faster than
// either reads. Knows nothing of what the bytes are.

import type { Socket } from 'node:net';
import type { Socket as OwnSocket } from 'bun';

export interface Forwarding {
  /** The connection to the own server stands; it comes from this port. Nothing has passed yet. */
  opened(port: number): void;
  /** The same is gone. Called as often as `opened`. */
  closed(port: number): void;
  /** Bytes of the client, or for it, are passing. */
  passing(direction: 'in' | 'out'): void;
}

const NOTHING = Buffer.alloc(0);
/** How long a client may take to read what is left for it once nothing more comes, milliseconds. */
const LAST_BYTES_MS = 10_000;
/** How long after that it may go on sending what nobody reads, so that it sees the answer before the connection ends. */
const LINGER_MS = 2_000;

export interface Forward {
  /** Ends both connections, once the client has what came for it and these last words. */
  end(words: string): void;
}

/** @param client both of its directions are open, and stay so until either side closes its own */
export function forward(client: Socket, port: number, { opened, closed, passing }: Forwarding): Forward {
  let waiting: Buffer | undefined;
  let from: number | undefined;
  /** @returns whether all of it went, and what waited before it */
  const send = (own: OwnSocket, bytes?: Buffer): boolean => {
    const all = waiting && bytes ? Buffer.concat([waiting, bytes]) : (waiting ?? bytes ?? NOTHING);
    const sent = Math.max(0, own.write(all));
    waiting = sent < all.length ? all.subarray(sent) : undefined;
    return waiting === undefined;
  };
  const gone = (): void => {
    if (from !== undefined) closed(from);
    from = undefined;
  };
  let isOver = false;
  const finish = (words?: string): void => {
    if (isOver) return;
    isOver = true;
    gone();
    connected?.terminate();
    dismiss(client, words);
  };
  let connected: OwnSocket | undefined;
  client.on('error', () => client.destroy());
  const connecting = Bun.connect({
    hostname: '127.0.0.1',
    port,
    allowHalfOpen: true,
    socket: {
      open(own) {
        if (client.destroyed || isOver) return void own.terminate();
        connected = own;
        from = own.localPort;
        opened(from);
        client.on('data', (bytes: Buffer) => {
          if (isOver) return;
          passing('in');
          if (!send(own, bytes)) client.pause();
        });
        client.on('drain', () => own.resume());
        client.on('end', () => void (waiting === undefined && own.shutdown()));
        client.on('close', () => {
          gone();
          own.terminate();
        });
      },
      data(own, bytes) {
        passing('out');
        if (!client.write(bytes)) own.pause();
      },
      drain(own) {
        if (waiting !== undefined && !send(own)) return;
        if (client.readableEnded) own.shutdown();
        else client.resume();
      },
      end: () => finish(),
      close: () => finish(),
      error: () => {},
    },
  });
  // The own server is closed by now.
  connecting.catch(() => client.destroy());
  return { end: finish };
}

/** Ends a connection for which nothing more will come, but not before the client has what came. */
function dismiss(client: Socket, words = ''): void {
  client.pause();
  client.setTimeout(LAST_BYTES_MS, () => client.destroy());
  client.end(words, () => {
    client.resume();
    const timer = setTimeout(() => client.destroy(), LINGER_MS);
    client.on('close', () => clearTimeout(timer));
  });
}
