// The upstream of these benches, a process of its own on plain sockets, so that it is not what is measured. Its path is
// its era, `/2026` or `/2025`; its tools are `echo` (1 KB), `events_1`, `events_20` and `large` (1 MB). `GET /calls` says
// how many calls have come. It reads what clients of a bench send, and no more of HTTP.
import type { Socket } from 'bun';
import { INITIALIZE, STATELESS } from '../../src/protocol/versions.ts';

interface Asked {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly _meta?: { readonly progressToken?: unknown } };
}

interface Connection {
  /** Bytes of a request that is not complete. */
  rest: Buffer;
  /** What the socket has not taken yet. */
  waiting: Buffer[];
}

const KB = 'x'.repeat(900);
const MB = 'x'.repeat(1_048_576);
const TOOLS = ['echo', 'events_1', 'events_20', 'large'];
const INFO = { serverInfo: { name: 'bench', version: '1' }, capabilities: { tools: {} } };
const KEPT = { ttlMs: 60_000, cacheScope: 'public' };
let [sessions, calls] = [0, 0];

function send(socket: Socket<Connection>, text: string): void {
  const { waiting } = socket.data;
  const taken = waiting.length > 0 ? 0 : Math.max(0, socket.write(text));
  if (taken < text.length) waiting.push(Buffer.from(text, 'latin1').subarray(taken));
}

function drain(socket: Socket<Connection>): void {
  const { waiting } = socket.data;
  for (let [first] = waiting; first !== undefined; [first] = waiting) {
    const taken = Math.max(0, socket.write(first));
    if (taken < first.length) {
      waiting[0] = first.subarray(taken);
      return;
    }
    waiting.shift();
  }
}

const json = (body: string, status = '200 OK', more = ''): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
const resultOf = (id: unknown, result: string): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`;
const textOf = (text: string, isOld: boolean): string =>
  `{${isOld ? '' : '"resultType":"complete",'}"content":[{"type":"text","text":"${text}"}]}`;
const chunkOf = (message: string): string =>
  `${(message.length + 8).toString(16)}\r\ndata: ${message}\n\n\r\n`;

/** Progress before the result, each event in a write of its own. */
function stream(socket: Socket<Connection>, { id, params }: Asked, events: number, isOld: boolean): void {
  const progressToken = params?._meta?.progressToken;
  let before = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
  for (let progress = 1; progress < events; progress++) {
    const told = { progressToken, progress, total: events, message: 'at work' };
    const message = { jsonrpc: '2.0', method: 'notifications/progress', params: told };
    send(socket, before + chunkOf(JSON.stringify(message)));
    before = '';
  }
  send(socket, `${before}${chunkOf(resultOf(id, textOf(KB, isOld)))}0\r\n\r\n`);
}

function greeting(method: string | undefined, isOld: boolean): object | undefined {
  if (method === 'initialize' && isOld) return { protocolVersion: INITIALIZE[0], ...INFO };
  if (method === 'server/discover' && !isOld)
    return { resultType: 'complete', supportedVersions: [STATELESS], ...INFO, ...KEPT };
  if (method !== 'tools/list') return undefined;
  const tools = TOOLS.map((name) => ({ name, inputSchema: { type: 'object' } }));
  return isOld ? { tools } : { resultType: 'complete', tools, ...KEPT };
}

function answerOf({ id, method, params }: Asked, isOld: boolean): string {
  if (method === 'tools/call') return json(resultOf(id, textOf(params?.name === 'large' ? MB : KB, isOld)));
  if (id === undefined) return 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n';
  const result = greeting(method, isOld);
  const session = method === 'initialize' ? `Mcp-Session-Id: bench-${++sessions}\r\n` : '';
  if (result !== undefined) return json(resultOf(id, JSON.stringify(result)), '200 OK', session);
  const error = { code: -32601, message: 'Method not found' };
  return json(JSON.stringify({ jsonrpc: '2.0', id, error }), '404 Not Found');
}

function answer(socket: Socket<Connection>, asked: Asked, isOld: boolean): void {
  if (asked.method === 'tools/call') calls++;
  const [, events] = /^events_(\d+)$/.exec(asked.params?.name ?? '') ?? [];
  if (events === undefined) send(socket, answerOf(asked, isOld));
  else stream(socket, asked, Number(events), isOld);
}

function take(socket: Socket<Connection>, chunk: Buffer): void {
  const { data } = socket;
  let rest = data.rest.length === 0 ? chunk : Buffer.concat([data.rest, chunk]);
  for (let end = rest.indexOf('\r\n\r\n'); end >= 0; end = rest.indexOf('\r\n\r\n')) {
    const head = rest.toString('latin1', 0, end);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    const next = end + 4 + length;
    if (rest.length < next) break;
    const body = rest.toString('utf8', end + 4, next);
    rest = rest.subarray(next);
    if (head.startsWith('POST')) answer(socket, JSON.parse(body), head.startsWith('POST /2025'));
    else if (head.startsWith('GET /calls')) send(socket, json(String(calls)));
    else send(socket, json('', head.startsWith('DELETE') ? '200 OK' : '405 Method Not Allowed'));
  }
  data.rest = Buffer.from(rest);
}

const server = Bun.listen<Connection>({
  hostname: '127.0.0.1',
  port: 0,
  data: { rest: Buffer.alloc(0), waiting: [] },
  socket: {
    open(socket) {
      socket.data = { rest: Buffer.alloc(0), waiting: [] };
    },
    data: take,
    drain,
  },
});
console.log(server.port);
