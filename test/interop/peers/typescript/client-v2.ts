// The interop client on the TypeScript SDK 2.x: `client-v2 ERA URL | ERA -- COMMAND ARGS…`, ERA is 2025 or 2026.
import { Client, type ElicitResult, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { type Called, type Doing, run, Tap } from './steps.ts';

const modern = process.argv[2] === '2026';
const [where = '', command = '', ...args] = process.argv.slice(3);
const client = new Client(
  { name: 'typescript-2', version: '1' },
  {
    capabilities: { elicitation: { form: {} }, sampling: {} },
    versionNegotiation: { mode: modern ? { pin: '2026-07-28' } : 'legacy' },
  },
);
let answer: ElicitResult;
client.setRequestHandler('elicitation/create', () => answer);
client.setRequestHandler('sampling/createMessage', ({ params }) => {
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
    await client.connect(transport);
    tap.on(transport);
    return { version: client.getNegotiatedProtocolVersion() };
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
    return (await client.callTool({ name, arguments: args }, options)) as Called;
  },
  answer: (action, content) => {
    answer = { action, ...(content && { content }) };
  },
  async watch(uri, onUpdated) {
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => onUpdated(params.uri));
    if (modern) {
      const subscription = await client.listen({ resourceSubscriptions: [uri] });
      return () => subscription.close();
    }
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
  ...(!modern && { ping: () => client.ping() }),
  close: () => client.close(),
};
await run(doing);
