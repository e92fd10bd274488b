// Puts the demo server together for one session or one request. What must outlive that is handed in.
import { McpServer } from '@modelcontextprotocol/server';
import { addAskingTools } from './asking.ts';
import { addPrompts } from './prompts.ts';
import { addResources, type Shared } from './resources.ts';
import { addSampleData } from './samples.ts';
import { addTools } from './tools.ts';

// The lists are the same for everyone and change only with the program.
const steady = { ttlMs: 60_000, cacheScope: 'public' } as const;

/** A fresh server over the shared state, not yet connected. */
export function buildServer(shared: Shared): McpServer {
  const server = new McpServer(
    { name: 'sluice-demo', title: 'Sluice demo', version: '1.0.0' },
    {
      capabilities: {
        tools: { listChanged: false },
        prompts: { listChanged: false },
        resources: { listChanged: false, subscribe: true },
        completions: {},
        logging: {},
      },
      instructions:
        'Things to try a gateway with: slow_count for progress and cancellation, ask and sample for questions ' +
        'back to the client, touch and demo://clock for subscriptions, leak_email for redaction.',
      cacheHints: {
        'server/discover': steady,
        'tools/list': steady,
        'prompts/list': steady,
        'resources/list': steady,
        'resources/templates/list': steady,
      },
    },
  );
  addTools(server);
  addAskingTools(server);
  addSampleData(server);
  addResources(server, shared);
  addPrompts(server);
  return server;
}
