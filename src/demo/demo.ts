// The embedded demo upstream: a real MCP server for clients of every era, in this process, behind one `fetch`.
import { createHost, type Host } from './host.ts';
import { buildServer } from './server.ts';

/** A running demo. `fetch` is a whole Streamable HTTP server; `close` ends every session, call and stream. */
export type Demo = Host;

/** Starts a demo. It opens no socket and no file, and none of its timers holds the process open. */
export function createDemo(): Demo {
  const clock = { touched: 0 };
  return createHost({ build: (bus) => buildServer({ bus, clock }), maxSessions: 1024 });
}
