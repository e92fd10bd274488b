// Sessions of the initialize era over Streamable HTTP: id → transport and server, and nothing about the modern era.
import {
  type EventStore,
  isInitializeRequest,
  type McpServer,
  type ServerEventBus,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { followChanges } from './changes.ts';

/** How sessions are kept. `eventStore` makes streams resumable, with `retryMs` told to the client. */
export interface SessionOptions {
  readonly build: () => McpServer;
  readonly bus: ServerEventBus;
  readonly eventStore?: (() => EventStore) | undefined;
  readonly retryMs?: number | undefined;
  /** The session idle for longest is closed when one more than this many are open. */
  readonly maxSessions?: number | undefined;
}

/** Serves GET, POST and DELETE of sessions; `body` is the parsed JSON of a POST. */
export interface Sessions {
  handle(request: Request, body: unknown): Promise<Response>;
  close(): Promise<void>;
}

/** The session store behind one endpoint. Its requests must already be known to be of the initialize era. */
export function createSessions(options: SessionOptions): Sessions {
  const open = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const maxSessions = options.maxSessions ?? 1024;

  async function begin(request: Request, body: unknown): Promise<Response> {
    const server = options.build();
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => {
        open.set(id, transport);
      },
      ...(options.eventStore && { eventStore: options.eventStore() }),
      ...(options.retryMs !== undefined && { retryInterval: options.retryMs }),
    });
    const unfollow = followChanges(server, options.bus, { routed: false });
    server.server.onclose = () => {
      unfollow();
      if (transport.sessionId !== undefined) open.delete(transport.sessionId);
    };
    await server.connect(transport);
    const response = await transport.handleRequest(request, { parsedBody: body });
    if (transport.sessionId === undefined) await server.close(); // refused: no session came of it
    await evict();
    return response;
  }

  async function evict(): Promise<void> {
    for (const [, transport] of open) {
      if (open.size <= maxSessions) return;
      await transport.close();
    }
  }

  async function handle(request: Request, body: unknown): Promise<Response> {
    const id = request.headers.get('mcp-session-id');
    if (id === null) {
      if (isInitializeRequest(body)) return begin(request, body);
      return refusal(400, -32000, 'Bad Request: Mcp-Session-Id header is required');
    }
    const transport = open.get(id);
    if (transport === undefined) return refusal(404, -32001, 'Session not found');
    open.delete(id); // to the end of the line: the map is ordered by last use
    open.set(id, transport);
    const response = await transport.handleRequest(request, body === undefined ? {} : { parsedBody: body });
    if (options.eventStore === undefined) endCancelled(transport, body);
    return response;
  }

  return {
    handle,
    async close() {
      await Promise.all([...open.values()].map((transport) => transport.close()));
    },
  };
}

/**
 * Ends the stream of a request its client cancelled. The SDK answers such a request with nothing and would hold
 * its stream open for as long as the session lives. Not for resumable streams: there an end means "come back".
 */
function endCancelled(transport: WebStandardStreamableHTTPServerTransport, body: unknown): void {
  if (typeof body !== 'object' || body === null || !('method' in body) || !('params' in body)) return;
  if (body.method !== 'notifications/cancelled') return;
  const params = body.params;
  if (typeof params !== 'object' || params === null || !('requestId' in params)) return;
  const { requestId } = params;
  if (typeof requestId === 'string' || typeof requestId === 'number') transport.closeSSEStream(requestId);
}

/** A JSON-RPC error that belongs to no request. */
export function refusal(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: '2.0', error: { code, message }, id: null }, { status });
}
