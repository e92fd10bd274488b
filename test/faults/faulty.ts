// An upstream over raw sockets: it greets well, and what it does to a call is up to the fault, to the byte. No HTTP
// library between a fault and the wire.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls';

export type Form = 'json' | 'sse';
export type Era = '2025' | '2026';

/** A call in the hands of a fault. */
export interface Asked {
  readonly form: Form;
  readonly era: Era;
  readonly id: number;
  readonly socket: Socket;
  readonly headers: Readonly<Record<string, string>>;
  /** The whole of a good body in this form, as one text. */
  readonly body: string;
  /** In a stream, one event of progress that comes before the fault; nothing in JSON. */
  readonly before: string;
  /** The URL of somebody else, who must not be asked. */
  readonly elsewhere: string;
  /** Ends with the connection. */
  every(ms: number, then: () => void): void;
}

export type Act = (asked: Asked) => void;

export interface FaultyOptions {
  readonly era: Era;
  readonly form: Form;
  readonly act: Act;
  readonly elsewhere?: string;
  readonly tls?: TlsOptions;
  /** One that is free by default. */
  readonly port?: number;
  /** Reads nothing more once a call has begun. */
  readonly deaf?: boolean;
}

export interface Faulty {
  readonly port: number;
  readonly url: string;
  /** `tools/call` requests so far. */
  readonly calls: number;
  /** Notifications so far, by method, with their params. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into messages of every shape
  told(method: string): any[];
  /** Connections that are open now, and how many there were in all. */
  readonly open: number;
  readonly connections: number;
  /** Over TLS: for whom the certificates were that each of them showed. */
  readonly peers: readonly (string | undefined)[];
  /** Of the connections that a call came on before it was healed: how many the other side still keeps. */
  readonly held: number;
  /** From now on everything is answered well. */
  heal(): void;
  stop(): Promise<void>;
}

/** What no client may see any of unless the answer is whole. */
export const SECRET = 'half an answer';

export async function startFaulty(options: FaultyOptions): Promise<Faulty> {
  const state = { calls: 0, connections: 0, healed: false };
  const peers: (string | undefined)[] = [];
  const open = new Set<Socket>();
  const called = new Set<Socket>();
  // biome-ignore lint/suspicious/noExplicitAny: whatever came
  const told: any[] = [];
  const onSocket = (socket: Socket): void => {
    state.connections++;
    if (socket instanceof TLSSocket) peers.push(peerOf(socket));
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      open.delete(socket);
      called.delete(socket);
    });
    if (options.deaf) {
      socket.on('data', (chunk) => {
        if (!chunk.includes('"tools/call"')) return;
        state.calls++;
        called.add(socket);
        socket.pause();
      });
    }
    readRequests(socket, (request) => {
      const { message } = request;
      if (request.method !== 'POST') return write(socket, request.method === 'GET' ? 405 : 200);
      if (message.id === undefined) {
        told.push(message);
        return write(socket, 202);
      }
      if (message.method !== 'tools/call') return greet(socket, options.era, message);
      state.calls++;
      if (!state.healed) called.add(socket);
      const asked = askedOf(socket, request, options);
      if (state.healed) return good(asked);
      return options.act(asked);
    });
  };
  const server: Server = options.tls ? createTlsServer(options.tls, onSocket) : createServer(onSocket);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}/mcp`,
    get calls() {
      return state.calls;
    },
    told: (method) => told.filter((message) => message.method === method).map(({ params }) => params),
    get open() {
      return open.size;
    },
    peers,
    get connections() {
      return state.connections;
    },
    get held() {
      return called.size;
    },
    heal() {
      state.healed = true;
    },
    stop() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The common name of who is at the other end. */
export function peerOf(socket: TLSSocket): string | undefined {
  return [socket.getPeerCertificate().subject?.CN].flat()[0];
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: whatever came
  readonly message: any;
}

/** Heads and bodies as the gateway writes them: with Content-Length, or without a body. */
export function readRequests(socket: Socket, each: (request: Request) => void): void {
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
      const headers = Object.fromEntries(
        lines.map((line) => {
          const colon = line.indexOf(':');
          return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
        }),
      );
      const whole = end + 4 + Number(headers['content-length'] ?? 0);
      if (bytes.length < whole) return;
      const text = bytes.toString('utf8', end + 4, whole);
      bytes = bytes.subarray(whole);
      const [method = '', path = ''] = first.split(' ');
      each({ method, path, headers, message: text === '' ? {} : JSON.parse(text) });
    }
  });
}

/** A whole answer with its length, after which the connection can be used again. */
export function write(
  socket: Socket,
  status: number,
  body: string | Uint8Array = '',
  headers: Readonly<Record<string, string>> = {},
): void {
  const all = { ...headers, 'content-length': String(Buffer.byteLength(body)) };
  socket.write(head(status, status === 204 ? headers : all));
  if (body.length > 0) socket.write(body);
}

export function head(status: number, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Whatever\r\n${lines.join('')}\r\n`;
}

const CAPABILITIES = { tools: {} };
const INFO = { name: 'faulty', version: '1' };
export const JSON_TYPE = { 'content-type': 'application/json' };

// biome-ignore lint/suspicious/noExplicitAny: whatever came
function greet(socket: Socket, era: Era, message: any): void {
  const answer = greeting(era, message);
  const session = message.method === 'initialize' ? { 'mcp-session-id': `s-${crypto.randomUUID()}` } : {};
  write(socket, 'error' in answer ? 404 : 200, JSON.stringify(answer), { ...JSON_TYPE, ...session });
}

/** What it answers to anything but a call. */
// biome-ignore lint/suspicious/noExplicitAny: whatever came
export function greeting(era: Era, { id, method, params }: any): object {
  const reply = (result: object): object => ({ jsonrpc: '2.0', id, result });
  const cache = era === '2026' ? { resultType: 'complete', ttlMs: 0, cacheScope: 'private' } : {};
  if (method === 'initialize' && era === '2025')
    return reply({
      protocolVersion: params.protocolVersion,
      capabilities: CAPABILITIES,
      serverInfo: INFO,
    });
  if (method === 'server/discover' && era === '2026')
    return reply({ ...cache, supportedVersions: ['2026-07-28'], capabilities: CAPABILITIES });
  if (method === 'tools/list')
    return reply({ ...cache, tools: [{ name: 'tool', inputSchema: { type: 'object' } }] });
  return { jsonrpc: '2.0', id, error: { code: -32601, message: 'no such method' } };
}

function askedOf(socket: Socket, { headers, message }: Request, options: FaultyOptions): Asked {
  const { form, era, elsewhere = '' } = options;
  const answer = JSON.stringify(resultOf(era, message.id));
  const token = message.params._meta?.progressToken;
  const progress = { method: 'notifications/progress', params: { progressToken: token, progress: 1 } };
  return {
    form,
    era,
    id: message.id,
    socket,
    headers,
    body: bodyOf(form, answer),
    before: form === 'sse' ? bodyOf(form, JSON.stringify({ jsonrpc: '2.0', ...progress })) : '',
    elsewhere,
    every(ms, then) {
      const timer = setInterval(then, ms);
      socket.once('close', () => clearInterval(timer));
    },
  };
}

/** A good result. */
export function resultOf(era: Era, id: unknown) {
  const content = [{ type: 'text', text: SECRET }];
  return { jsonrpc: '2.0', id, result: { ...(era === '2026' && { resultType: 'complete' }), content } };
}

export function bodyOf(form: Form, message: string): string {
  return form === 'json' ? message : `event: message\ndata: ${message}\n\n`;
}

export function typeOf({ form }: Pick<Asked, 'form'>): Record<string, string> {
  return { 'content-type': form === 'json' ? 'application/json' : 'text/event-stream' };
}

export const good: Act = (asked) => write(asked.socket, 200, asked.body, typeOf(asked));
