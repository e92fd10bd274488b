// The interop client on the TypeScript SDK 1.x, initialize era: `client-v1 2025 URL | 2025 -- COMMAND ARGS…`.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  type ElicitResult,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { type Called, type Doing, run, Tap } from './steps.ts';

const [where = '', command = '', ...args] = process.argv.slice(3);
const client = new Client(
  { name: 'typescript-1', version: '1' },
  { capabilities: { elicitation: {}, sampling: {} } },
);
let answer: ElicitResult;
client.setRequestHandler(ElicitRequestSchema, () => answer);
client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
  const content = params.messages[0]?.content;
  const block = Array.isArray(content) ? content[0] : content;
  const text = block?.type === 'text' ? block.text.toUpperCase() : '';
  return { role: 'assistant', model: 'parrot', content: { type: 'text', text } };
});

const tap = new Tap();
const doing: Doing = {
  tap,
  async connect() {
    const transport =
      where === '--'
        ? new StdioClientTransport({ command, args, env: { ...process.env } as Record<string, string> })
        : new StreamableHTTPClientTransport(new URL(where));
    let version: string | undefined;
    // The client tells its transport alone what was agreed on.
    (transport as Transport).setProtocolVersion = (agreed) => {
      version = agreed;
    };
    await client.connect(transport as Transport);
    tap.on(transport);
    return { version };
  },
  async lists() {
    return {
      tools: (await client.listTools()).tools.map(({ name }) => name),
      resources: (await client.listResources()).resources.map(({ uri }) => uri),
      prompts: (await client.listPrompts()).prompts.map(({ name }) => name),
    };
  },
  async call(name, args, onProgress, signal) {
    const options = { ...(onProgress && { onprogress: onProgress }), ...(signal && { signal }) };
    return (await client.callTool({ name, arguments: args }, undefined, options)) as Called;
  },
  answer: (action, content) => {
    answer = { action, ...(content && { content }) };
  },
  async watch(uri, onUpdated) {
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => onUpdated(params.uri));
    await client.subscribeResource({ uri });
    return () => client.unsubscribeResource({ uri });
  },
  async read(uri) {
    const [content] = (await client.readResource({ uri })).contents;
    return content !== undefined && 'text' in content ? content.text : '';
  },
  async prompt(name, args) {
    const content = (await client.getPrompt({ name, arguments: args })).messages[0]?.content;
    return content?.type === 'text' ? content.text : '';
  },
  ping: () => client.ping(),
  close: () => client.close(),
};
await run(doing);
