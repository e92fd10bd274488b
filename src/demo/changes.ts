// Relays change events to one long-lived connection (an initialize-era session or a stdio pipe).
// Per-request HTTP connections need none of this: there the SDK's listen streams read the same bus themselves.
import type { McpServer, ServerEvent, ServerEventBus } from '@modelcontextprotocol/server';

/**
 * Makes `server` answer resources/subscribe and /unsubscribe and tell its client of the bus's events. A list
 * change goes to everyone; an updated resource only to those who subscribed, except where the SDK's own listen
 * router filters (`routed`). Call it before connecting, and the returned function when the connection has ended.
 */
export function followChanges(
  server: McpServer,
  bus: ServerEventBus,
  options: { routed: boolean },
): () => void {
  const subscribed = new Set<string>();
  server.server.setRequestHandler('resources/subscribe', ({ params }) => {
    subscribed.add(params.uri);
    return {};
  });
  server.server.setRequestHandler('resources/unsubscribe', ({ params }) => {
    subscribed.delete(params.uri);
    return {};
  });
  return bus.subscribe((event) => {
    if (event.kind === 'resource_updated' && !options.routed && !subscribed.has(event.uri)) return;
    // A client that has just gone is no error: there is nobody left to tell.
    tell(server, event).catch(() => {});
  });
}

async function tell(server: McpServer, event: ServerEvent): Promise<void> {
  if (!server.isConnected()) return;
  switch (event.kind) {
    case 'tools_list_changed':
      return server.server.sendToolListChanged();
    case 'prompts_list_changed':
      return server.server.sendPromptListChanged();
    case 'resources_list_changed':
      return server.server.sendResourceListChanged();
    case 'resource_updated':
      return server.server.sendResourceUpdated({ uri: event.uri });
  }
}
