// A server by hand over HTTP+SSE, the transport of 2024-11-05: one stream for all it says, an address for what it hears.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { messageOf } from './inbox.ts';
import type { Arrival, Manners, UpstreamWire } from './upstream-wire.ts';

export async function sseUpstream({ answer, inbox }: Manners): Promise<UpstreamWire> {
  const streams = new Map<string, ServerResponse>();
  const sockets = new Set<Socket>();
  let opened = 0;

  const server = createServer(async (req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://localhost');
    if (req.method === 'GET' && pathname === '/sse') {
      const session = `stream-${++opened}`;
      streams.set(session, res);
      res.on('close', () => streams.delete(session));
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(`event: endpoint\ndata: /messages?session=${session}\n\n`);
      return;
    }
    let body = '';
    for await (const chunk of req.setEncoding('utf8')) body += chunk;
    const session = searchParams.get('session') ?? '';
    const stream = streams.get(session);
    if (req.method !== 'POST' || stream === undefined) {
      res.writeHead(req.method === 'POST' ? 404 : 405).end();
      return;
    }
    res.writeHead(202).end('Accepted');
    take(body, session, stream);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });

  function take(body: string, link: string, stream: ServerResponse): void {
    const write = (text: string): void => void stream.write(`event: message\ndata: ${text}\n\n`);
    const cut = (): void => void stream.destroy();
    const arrival: Arrival = { ...messageOf(body), link, send: write, finish: write, cut };
    const text = answer(arrival);
    if (text === undefined) inbox.put(arrival);
    else if (text !== '') write(text);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const die = (): void => {
    streams.clear();
    for (const socket of sockets) socket.destroy();
  };
  const { port } = server.address() as AddressInfo;
  return {
    config: { url: `http://127.0.0.1:${port}/sse`, type: 'sse' },
    async announce(text) {
      for (const stream of streams.values()) stream.write(`data: ${text}\n\n`);
    },
    forget() {
      throw new Error('its session is its stream');
    },
    die,
    stop() {
      die();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
