// The interop server on the TypeScript SDK 2.x: `server-v2 ERA stdio | ERA http PORT`, ERA is 2025 or 2026.
// What it offers is the same in every language; see matrix.ts. Nothing but messages goes to stdout.
import {
  createMcpHandler,
  InMemoryServerEventBus,
  inputRequired,
  inputResponse,
  McpServer,
  type ServerContext,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';
import { NOTE } from './steps.ts';

const [, , era, transport, port] = process.argv;
const cancelled: string[] = [];
const bus = new InMemoryServerEventBus();
let revision = 0;

const none = z.object({});
const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] });

async function report(
  ctx: ServerContext,
  progress: number,
  total: number | undefined,
  message: string,
): Promise<void> {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return;
  const params = { progressToken, progress, message, ...(total !== undefined && { total }) };
  await ctx.mcpReq.notify({ method: 'notifications/progress', params });
}

function build(): McpServer {
  const server = new McpServer(
    { name: 'typescript-2', version: '1' },
    { capabilities: { resources: { subscribe: true } } },
  );
  server.registerTool('echo', { inputSchema: z.object({ text: z.string() }) }, (args) => text(args.text));
  server.registerTool('count', { inputSchema: z.object({ to: z.number() }) }, async ({ to }, ctx) => {
    for (let n = 1; n <= to; n++) await report(ctx, n, to, `${n} of ${to}`);
    return text(`counted to ${to}`);
  });
  server.registerTool('wait', { inputSchema: z.object({ key: z.string() }) }, async ({ key }, ctx) => {
    await report(ctx, 1, undefined, 'waiting');
    const over = Promise.withResolvers<string>();
    const timer = setTimeout(() => over.resolve('nobody cancelled'), 20_000);
    ctx.mcpReq.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      cancelled.push(key);
      over.resolve('cancelled');
    });
    return text(await over.promise);
  });
  server.registerTool('cancelled', { inputSchema: none }, () => text(cancelled.join(' ')));
  server.registerTool('ask', { inputSchema: none }, (_args, ctx) => ask(ctx));
  server.registerTool('think', { inputSchema: z.object({ prompt: z.string() }) }, (args, ctx) =>
    think(ctx, args.prompt),
  );
  server.registerTool('touch', { inputSchema: none }, () => {
    revision++;
    bus.publish({ kind: 'resource_updated', uri: NOTE });
    return text('touched');
  });
  server.registerTool('fail', { inputSchema: none }, () => {
    throw new Error('as you wished');
  });
  server.registerResource('pinned', NOTE, { mimeType: 'text/plain' }, () => ({
    contents: [{ uri: NOTE, mimeType: 'text/plain', text: `revision ${revision}` }],
  }));
  server.registerPrompt('greet', { argsSchema: z.object({ name: z.string() }) }, ({ name }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Hello, ${name}!` } }],
  }));
  return server;
}

// Both return what they need. For a client of the initialize era the SDK makes a request of it.
function ask(ctx: ServerContext) {
  const answer = inputResponse(ctx.mcpReq.inputResponses, 'who');
  if (answer.kind === 'elicit') {
    return text(answer.action === 'accept' ? `accept ${answer.content?.name}` : answer.action);
  }
  const requestedSchema = {
    type: 'object' as const,
    properties: { name: { type: 'string' as const } },
    required: ['name'],
  };
  return inputRequired({
    inputRequests: { who: inputRequired.elicit({ message: 'Who are you?', requestedSchema }) },
  });
}

function think(ctx: ServerContext, prompt: string) {
  const reply = inputResponse(ctx.mcpReq.inputResponses, 'thought');
  if (reply.kind === 'sampling') {
    const { content, model } = reply.result;
    const block = Array.isArray(content) ? content[0] : content;
    return text(`${model}: ${block?.type === 'text' ? block.text : block?.type}`);
  }
  const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: prompt } }];
  return inputRequired({
    inputRequests: { thought: inputRequired.createMessage({ messages, maxTokens: 50 }) },
  });
}

/** A server for one connection of the initialize era, or for a pipe, where the SDK's listen router lets through what was asked for. */
function buildFollowing(routed: boolean): McpServer {
  const server = build();
  const wanted = new Set<string>();
  server.server.setRequestHandler('resources/subscribe', ({ params }) => {
    wanted.add(params.uri);
    return {};
  });
  server.server.setRequestHandler('resources/unsubscribe', ({ params }) => {
    wanted.delete(params.uri);
    return {};
  });
  const unfollow = bus.subscribe((event) => {
    if (event.kind !== 'resource_updated' || !(routed || wanted.has(event.uri))) return;
    server.server.sendResourceUpdated({ uri: event.uri }).catch(() => {});
  });
  server.server.onclose = unfollow;
  return server;
}

const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();

async function serveSession(request: Request): Promise<Response> {
  const id = request.headers.get('mcp-session-id');
  const known = id === null ? undefined : sessions.get(id);
  if (id !== null && known === undefined) return new Response(null, { status: 404 });
  if (known) return known.handleRequest(request);
  const opened = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => crypto.randomUUID(),
    onsessioninitialized: (name) => void sessions.set(name, opened),
  });
  await buildFollowing(false).connect(opened);
  return opened.handleRequest(request);
}

if (transport === 'stdio') {
  if (era === '2025') await buildFollowing(false).connect(new StdioServerTransport());
  else serveStdio(() => buildFollowing(true), { legacy: 'reject' });
} else {
  const handler = createMcpHandler(build, { legacy: 'reject', bus });
  const fetch = (request: Request) => (era === '2025' ? serveSession(request) : handler.fetch(request));
  Bun.serve({ hostname: '127.0.0.1', port: Number(port), idleTimeout: 0, fetch });
}
