// The demo's resources: a text, a template with completion, and a clock that `touch` moves and clients can watch.
import {
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
  ResourceTemplate,
  type ServerEventBus,
} from '@modelcontextprotocol/server';
import { text } from './tools.ts';

/** What all servers of one demo share: the bus that change events travel on, and the clock they are about. */
export interface Shared {
  readonly bus: ServerEventBus;
  /** How often the clock was touched since the demo started. */
  readonly clock: { touched: number };
}

const CLOCK = 'demo://clock';
const README = `# Sluice demo

A small MCP server that lives inside the gateway, so that there is something to talk to before anything is installed.

- \`echo\`, \`big\` and \`fail\` return what you ask for.
- \`slow_count\` takes its time, reports progress and stops when cancelled.
- \`ask\` and \`sample\` put a question to the user or to the model through the client.
- \`touch\` moves \`demo://clock\`; whoever watches it is told.
- \`leak_email\` says more than it should.
`;

const items = new Map([
  ['alder', 'A tree of river banks; its timber lasts under water.'],
  ['baffle', 'A plate that slows or turns a flow.'],
  ['culvert', 'A channel that carries water under a road.'],
  ['flume', 'A channel that carries water above the ground.'],
  ['penstock', 'A gate, or the pipe behind it, that controls a flow.'],
  ['sluice', 'A channel with a gate that decides what passes.'],
  ['weir', 'A low dam that raises the water behind it.'],
]);

/** Registers demo://readme, demo://item/{id}, demo://clock and the tool touch. */
export function addResources(server: McpServer, shared: Shared): void {
  server.registerResource(
    'readme',
    'demo://readme',
    {
      title: 'About this demo',
      description: 'What the demo offers and what to try.',
      mimeType: 'text/markdown',
      cacheHint: { ttlMs: 60_000, cacheScope: 'public' },
    },
    (uri) => ({ contents: [{ uri: uri.href, mimeType: 'text/markdown', text: README }] }),
  );
  server.registerResource(
    'item',
    new ResourceTemplate('demo://item/{id}', {
      list: undefined,
      complete: { id: (typed) => [...items.keys()].filter((id) => id.startsWith(typed.toLowerCase())) },
    }),
    {
      title: 'A word of waterworks',
      description: 'One word and its meaning, by its id; the ids can be completed.',
      mimeType: 'application/json',
      cacheHint: { ttlMs: 60_000, cacheScope: 'public' },
    },
    (uri, { id }) => {
      const meaning = items.get(String(id));
      if (meaning === undefined) {
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no item "${id}".`, {
          uri: uri.href,
        });
      }
      return {
        contents: [{ uri: uri.href, mimeType: 'application/json', text: JSON.stringify({ id, meaning }) }],
      };
    },
  );
  addClock(server, shared);
}

function addClock(server: McpServer, { bus, clock }: Shared): void {
  server.registerResource(
    'clock',
    CLOCK,
    {
      title: 'Clock',
      description: 'The time, and how often the clock was touched. Subscribe to it, then call touch.',
      mimeType: 'application/json',
    },
    (uri) => ({
      contents: [
        {
          uri: uri.href,
          mimeType: 'application/json',
          text: JSON.stringify({ now: new Date().toISOString(), touched: clock.touched }),
        },
      ],
    }),
  );
  server.registerTool(
    'touch',
    {
      title: 'Touch the clock',
      description: `Changes ${CLOCK}, so that every client subscribed to it is told.`,
      annotations: {
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: false,
        openWorldHint: false,
      },
    },
    () => {
      clock.touched += 1;
      bus.publish({ kind: 'resource_updated', uri: CLOCK });
      return text(`Touched ${clock.touched} time${clock.touched === 1 ? '' : 's'}.`);
    },
  );
}
