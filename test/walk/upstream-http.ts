// A server by hand over Streamable HTTP, in the era of the leg.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { messageOf } from './inbox.ts';
import type { Arrival, Manners, UpstreamWire } from './upstream-wire.ts';

interface Stream {
  readonly session: string;
  readonly res: ServerResponse;
}

export async function httpUpstream(manners: Manners): Promise<UpstreamWire> {
  const { leg, inbox } = manners;
  const sockets = new Set<Socket>();
  const sessions = new Set<string>();
  const streams = new Set<Stream>();
  let woken = Promise.withResolvers<void>();
  let minted = 0;

  const server = createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req.setEncoding('utf8')) body += chunk;
    if (leg.upstream === '2025') inSession(req, res, body);
    else if (req.method === 'POST') take(req, res, body, '');
    else res.writeHead(405).end();
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });

  function inSession(req: IncomingMessage, res: ServerResponse, body: string): void {
    const named = req.headers['mcp-session-id'];
    if (req.method === 'POST' && JSON.parse(body).method === 'initialize') {
      const session = `session-${++minted}`;
      sessions.add(session);
      res.setHeader('mcp-session-id', session);
      take(req, res, body, session);
    } else if (typeof named !== 'string' || !sessions.has(named)) {
      res.writeHead(named === undefined ? 400 : 404).end();
    } else if (req.method === 'POST') take(req, res, body, named);
    else if (req.method === 'DELETE') res.writeHead(sessions.delete(named) ? 200 : 404).end();
    else hold(res, named);
  }

  function hold(res: ServerResponse, session: string): void {
    const stream = { session, res };
    streams.add(stream);
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write(':\n\n');
    res.on('close', () => streams.delete(stream));
    woken.resolve();
    woken = Promise.withResolvers();
  }

  function take(req: IncomingMessage, res: ServerResponse, body: string, link: string): void {
    const arrival = arrived(req, res, body, link);
    const answer = manners.answer(arrival);
    if (arrival.body.id === undefined || arrival.body.method === undefined) res.writeHead(202).end();
    if (answer === undefined) inbox.put(arrival);
    else if (answer !== '') arrival.finish(answer);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    config: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` },
    async announce(text) {
      while (streams.size === 0) await woken.promise;
      for (const { res } of streams) res.write(`data: ${text}\n\n`);
    },
    forget: () => sessions.clear(),
    die() {
      sessions.clear();
      drop();
    },
    stop() {
      drop();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** An answer is JSON when its last message is its first, else a stream. */
function arrived(req: IncomingMessage, res: ServerResponse, body: string, link: string): Arrival {
  const gone = Promise.withResolvers<void>();
  res.on('close', () => {
    if (!res.writableFinished) gone.resolve();
  });
  const begin = (type: string): void => {
    if (!res.headersSent) res.writeHead(200, { 'content-type': type });
  };
  return {
    ...messageOf(body),
    headers: req.headers,
    link,
    gone: gone.promise,
    send(text) {
      begin('text/event-stream');
      res.write(`data: ${text}\n\n`);
    },
    finish(text) {
      if (res.headersSent) res.end(`data: ${text}\n\n`);
      else res.writeHead(statusOf(text, req), { 'content-type': 'application/json' }).end(text);
    },
    cut: () => void req.socket.destroy(),
  };
}

/** 2026 alone says by the status that a method is unknown. */
function statusOf(text: string, req: IncomingMessage): number {
  const isNew = req.headers['mcp-protocol-version'] === '2026-07-28';
  return isNew && JSON.parse(text).error?.code === -32601 ? 404 : 200;
}
