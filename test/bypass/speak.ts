// One request, byte for byte, on a connection of its own, and the answer to it: no client library puts it right.
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

export interface Asked {
  /** Where the gateway listens; https is spoken to without a look at its certificate. */
  readonly origin: string;
  readonly method: string;
  readonly target: string;
  /** Lines of the head, each letter a byte. */
  readonly lines: readonly string[];
  readonly body: string | undefined;
}

/** In the place of a status, where the connection was closed without one. */
export const CLOSED = 0;

export interface Said {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Streams of events are left once they have begun; whatever else comes is read to its end. */
export function speak(asked: Asked): Promise<Said> {
  const { promise, resolve } = Promise.withResolvers<Said>();
  const { protocol, hostname, port } = new URL(asked.origin);
  const place = { host: hostname, port: Number(port) };
  const socket: Socket =
    protocol === 'https:' ? connectTls({ ...place, rejectUnauthorized: false }) : connect(place);
  let bytes = '';
  const end = (): void => {
    resolve(read(bytes) ?? { status: CLOSED, headers: {}, body: bytes });
    socket.destroy();
  };
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.toString('latin1');
    const said = read(bytes);
    if (said && isWhole(said)) end();
  });
  socket.on('close', end);
  socket.on('error', () => {});
  const { method, target, lines, body } = asked;
  const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const head = [`${method} ${target} HTTP/1.1`, 'Connection: close', ...lines, ...length, '', ''];
  socket.write(Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), Buffer.from(body ?? '')]));
  return promise;
}

/** What has come so far; undefined before the head is there. */
function read(bytes: string): Said | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(bytes)?.[1]);
  if (end < 0 || Number.isNaN(status)) return undefined;
  const lines = bytes.slice(0, end).split('\r\n').slice(1);
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status, headers: Object.fromEntries(headers), body: bytes.slice(end + 4) };
}

function isWhole({ headers, body }: Said): boolean {
  if (headers['content-type']?.startsWith('text/event-stream')) return true;
  const length = headers['content-length'];
  return length !== undefined && body.length >= Number(length);
}
