// The interop server on the TypeScript SDK 1.x, initialize era: `server-v1 2025 stdio | 2025 http PORT`.
// What it offers is the same in every language; see matrix.ts. Nothing but messages goes to stdout.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageResultSchema,
  ElicitResultSchema,
  type ServerNotification,
  type ServerRequest,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { deferred, NOTE } from './steps.ts';

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

const [, , , transport, port] = process.argv;
const cancelled: string[] = [];
const subscribers = new Set<McpServer>();
let revision = 0;

const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] });

async function report(
  extra: Extra,
  progress: number,
  total: number | undefined,
  message: string,
): Promise<void> {
  const progressToken = extra._meta?.progressToken;
  if (progressToken === undefined) return;
  const params = { progressToken, progress, message, ...(total !== undefined && { total }) };
  await extra.sendNotification({ method: 'notifications/progress', params });
}

function build(): McpServer {
  const server = new McpServer(
    { name: 'typescript-1', version: '1' },
    { capabilities: { resources: { subscribe: true } } },
  );
  server.registerTool('echo', { inputSchema: { text: z.string() } }, (args) => text(args.text));
  server.registerTool('count', { inputSchema: { to: z.number() } }, async ({ to }, extra) => {
    for (let n = 1; n <= to; n++) await report(extra, n, to, `${n} of ${to}`);
    return text(`counted to ${to}`);
  });
  server.registerTool('wait', { inputSchema: { key: z.string() } }, async ({ key }, extra) => {
    await report(extra, 1, undefined, 'waiting');
    const over = deferred<string>();
    const timer = setTimeout(() => over.resolve('nobody cancelled'), 20_000);
    extra.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      cancelled.push(key);
      over.resolve('cancelled');
    });
    return text(await over.promise);
  });
  server.registerTool('cancelled', {}, () => text(cancelled.join(' ')));
  addAsking(server);
  server.registerTool('touch', {}, async () => {
    revision++;
    for (const subscriber of subscribers) await subscriber.server.sendResourceUpdated({ uri: NOTE });
    return text('touched');
  });
  server.registerTool('fail', {}, () => {
    throw new Error('as you wished');
  });
  server.registerResource('pinned', NOTE, { mimeType: 'text/plain' }, () => ({
    contents: [{ uri: NOTE, mimeType: 'text/plain', text: `revision ${revision}` }],
  }));
  server.registerPrompt('greet', { argsSchema: { name: z.string() } }, ({ name }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Hello, ${name}!` } }],
  }));
  server.server.setRequestHandler(SubscribeRequestSchema, () => {
    subscribers.add(server);
    return {};
  });
  server.server.setRequestHandler(UnsubscribeRequestSchema, () => {
    subscribers.delete(server);
    return {};
  });
  return server;
}

// What is asked by `extra` goes the way the call came; what `server.server` asks has a stream of its own.
function addAsking(server: McpServer): void {
  server.registerTool('ask', {}, async (extra) => {
    const requestedSchema = {
      type: 'object' as const,
      properties: { name: { type: 'string' as const } },
      required: ['name'],
    };
    const params = { mode: 'form' as const, message: 'Who are you?', requestedSchema };
    const answer = await extra.sendRequest({ method: 'elicitation/create', params }, ElicitResultSchema);
    return text(answer.action === 'accept' ? `accept ${answer.content?.name}` : answer.action);
  });
  server.registerTool('think', { inputSchema: { prompt: z.string() } }, async ({ prompt }, extra) => {
    const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: prompt } }];
    const params = { messages, maxTokens: 50 };
    const reply = await extra.sendRequest(
      { method: 'sampling/createMessage', params },
      CreateMessageResultSchema,
    );
    return text(`${reply.model}: ${reply.content.type === 'text' ? reply.content.text : reply.content.type}`);
  });
}

const sessions = new Map<string, StreamableHTTPServerTransport>();

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = request.headers['mcp-session-id'];
  const known = typeof id === 'string' ? sessions.get(id) : undefined;
  if (id !== undefined && known === undefined) {
    response.writeHead(404).end();
    return;
  }
  await (known ?? (await openSession())).handleRequest(request, response);
}

async function openSession(): Promise<StreamableHTTPServerTransport> {
  const server = build();
  const opened = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, opened),
  });
  server.server.onclose = () => {
    subscribers.delete(server);
    if (opened.sessionId !== undefined) sessions.delete(opened.sessionId);
  };
  await server.connect(opened as Transport);
  return opened;
}

if (transport === 'stdio') await build().connect(new StdioServerTransport());
else createServer((request, response) => void answer(request, response)).listen(Number(port), '127.0.0.1');
