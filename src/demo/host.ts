// One Streamable HTTP endpoint for both eras around one server definition. It knows no tool and opens no socket.
import {
  createMcpHandler,
  type EventStore,
  InMemoryServerEventBus,
  isJsonContentType,
  isLegacyRequest,
  type McpServer,
  type ServerEventBus,
} from '@modelcontextprotocol/server';
import { createSessions, refusal } from './sessions.ts';

/** Which eras an endpoint serves: `sessions` is the initialize era, `requests` the one after it. */
export type Eras = 'both' | 'sessions' | 'requests';

/** What to serve. `build` is called for every session and for every per-request exchange: it must be cheap. */
export interface HostOptions {
  readonly build: (bus: ServerEventBus) => McpServer;
  readonly eras?: Eras;
  readonly eventStore?: () => EventStore;
  readonly retryMs?: number;
  readonly maxSessions?: number;
}

/** A web-standard endpoint. After `close()` it answers 503. */
export interface Host {
  fetch(request: Request): Promise<Response>;
  close(): Promise<void>;
}

/** Serves one server definition to clients of either era; change events published on its bus reach both. */
export function createHost(options: HostOptions): Host {
  const eras = options.eras ?? 'both';
  const bus = new InMemoryServerEventBus();
  const build = () => options.build(bus);
  const requests = createMcpHandler(build, { legacy: 'reject', bus });
  const sessions = createSessions({
    build,
    bus,
    eventStore: options.eventStore,
    retryMs: options.retryMs,
    maxSessions: options.maxSessions,
  });
  let closed = false;

  async function fetch(request: Request): Promise<Response> {
    if (closed) return refusal(503, -32603, 'This server has been closed');
    if (eras === 'requests') return requests.fetch(request);
    if (request.method !== 'POST') return sessions.handle(request, undefined);
    if (!isJsonContentType(request.headers.get('content-type'))) {
      return refusal(415, -32000, 'Unsupported Media Type: Content-Type must be application/json');
    }
    const body = await parse(request);
    if (body === undefined) return refusal(400, -32700, 'Parse error: Invalid JSON');
    if (eras === 'sessions' || (await isLegacyRequest(request, body))) return sessions.handle(request, body);
    return requests.fetch(request, { parsedBody: body });
  }

  return {
    fetch,
    async close() {
      closed = true;
      await Promise.all([requests.close(), sessions.close()]);
    },
  };
}

async function parse(request: Request): Promise<unknown> {
  try {
    const body: unknown = await request.json();
    return body;
  } catch {
    return undefined;
  }
}
