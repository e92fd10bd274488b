// An upstream of HTTP+SSE over raw sockets: it greets well, and what it does to a call is up to the fault, on the
// stream that brings answers or to the POST that brought the call.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls';
import { bodyOf, greeting, head, peerOf, readRequests, resultOf, write } from './faulty.ts';

/** A call in the hands of a fault. */
export interface Asked {
  readonly id: number;
  /** Of the stream of this client. */
  readonly stream: Socket;
  /** Of the POST; it is answered with 202 before, where the fault leaves that alone. */
  readonly post: Socket;
  /** A good answer as an event, and an event of progress. */
  readonly answer: string;
  readonly progress: string;
  readonly elsewhere: string;
  /** Until it is healed, or the stream ends. */
  every(ms: number, then: () => void): void;
}

export interface OlderFault {
  readonly row: `F${number}`;
  readonly what: string;
  /** Leaves an event unfinished on a stream that goes on. */
  readonly half?: boolean;
  /** To the POST, instead of the 202. */
  readonly post?: (asked: Asked) => void;
  /** On the stream. */
  readonly act?: (asked: Asked) => void;
}

export interface Older {
  readonly url: string;
  readonly calls: number;
  readonly cancelled: number;
  readonly peers: readonly (string | undefined)[];
  readonly open: number;
  heal(): void;
  stop(): Promise<void>;
}

/** A chunk of a body that comes in chunks. */
export const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

export const good = ({ stream, answer }: Asked): void => void stream.write(chunk(answer));

export async function startOlder(fault: OlderFault, elsewhere: string, tls?: TlsOptions): Promise<Older> {
  const open = new Set<Socket>();
  const peers: (string | undefined)[] = [];
  const streams = new Map<string, Socket>();
  const state = { calls: 0, cancelled: 0, healed: false };

  function call(post: Socket, stream: Socket, { id, params }: Message): void {
    state.calls++;
    const progressToken = params?._meta?.progressToken;
    const note = { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } };
    const asked: Asked = {
      id,
      stream,
      post,
      answer: bodyOf('sse', JSON.stringify(resultOf('2025', id))),
      progress: bodyOf('sse', JSON.stringify(note)),
      elsewhere,
      every(ms, then) {
        const timer = setInterval(() => state.healed || then(), ms);
        stream.once('close', () => clearInterval(timer));
      },
    };
    if (fault.post && !state.healed) {
      fault.post(asked);
      return;
    }
    write(post, 202);
    const act = state.healed ? good : fault.act;
    act?.(asked);
  }

  const server: Server = tls ? createTlsServer(tls, onSocket) : createServer(onSocket);
  function onSocket(socket: Socket): void {
    open.add(socket);
    if (socket instanceof TLSSocket) peers.push(peerOf(socket));
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
    readRequests(socket, ({ method, path, message }) => {
      if (method === 'GET') {
        const name = `/messages/${streams.size}`;
        streams.set(name, socket);
        const headers = { 'content-type': 'text/event-stream', 'transfer-encoding': 'chunked' };
        socket.write(head(200, headers) + chunk(`event: endpoint\ndata: ${name}\n\n`));
        return;
      }
      const stream = streams.get(path);
      if (method !== 'POST' || !stream) {
        write(socket, 404);
        return;
      }
      if (message.method === 'tools/call') {
        call(socket, stream, message);
        return;
      }
      write(socket, 202);
      if (message.method === 'notifications/cancelled') state.cancelled++;
      if (message.id !== undefined && message.method !== undefined)
        stream.write(chunk(bodyOf('sse', JSON.stringify(greeting('2025', message)))));
    });
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}/sse`,
    get calls() {
      return state.calls;
    },
    peers,
    get cancelled() {
      return state.cancelled;
    },
    get open() {
      return open.size;
    },
    heal() {
      state.healed = true;
      // What has been left in the middle ends there.
      if (fault.half) for (const stream of streams.values()) stream.write(chunk('\n\n'));
    },
    stop() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: whatever came
type Message = any;
