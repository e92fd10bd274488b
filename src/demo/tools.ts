// The demo's plain tools: say something back, take time, log, fail. None of them asks the client for anything.
import type { McpServer, ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { wait } from './wait.ts';

const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;

/** What a tool without side effects says of itself. */
export const harmless = { readOnlyHint: true, idempotentHint: true, openWorldHint: false } as const;

/** A tool result of one text. */
export function text(value: string) {
  return { content: [{ type: 'text' as const, text: value }] };
}

/** Registers echo, slow_count, log and fail. */
export function addTools(server: McpServer): void {
  server.registerTool(
    'echo',
    {
      title: 'Echo',
      description: 'Says back the text it was given.',
      inputSchema: z.object({ text: z.string().describe('What to say back') }),
      annotations: harmless,
    },
    (args) => text(args.text),
  );
  addSlowCount(server);
  server.registerTool(
    'log',
    {
      title: 'Log a line',
      description: 'Sends one log message to the client, if the client asked for messages of that level.',
      inputSchema: z.object({
        level: z.enum(levels).default('info').describe('How severe the message is'),
        text: z.string().describe('What the message says'),
      }),
      annotations: harmless,
    },
    async (args, ctx) => {
      await ctx.mcpReq.log(args.level, args.text, 'demo');
      return text(`Logged at ${args.level}.`);
    },
  );
  server.registerTool(
    'fail',
    {
      title: 'Fail',
      description: 'Always fails, as a tool fails: with a result marked isError, not with a protocol error.',
      inputSchema: z.object({
        message: z.string().default('This tool always fails.').describe('The reason given'),
      }),
      annotations: harmless,
    },
    (args) => ({ ...text(args.message), isError: true }),
  );
}

function addSlowCount(server: McpServer): void {
  server.registerTool(
    'slow_count',
    {
      title: 'Count slowly',
      description:
        'Counts from 1 to a number, pausing before each step and reporting progress. Can be cancelled.',
      inputSchema: z.object({
        to: z.int().min(1).max(100).default(5).describe('The number to count to'),
        every_ms: z.int().min(0).max(60_000).default(500).describe('Milliseconds before each step'),
      }),
      outputSchema: z.object({ counted: z.int().describe('The last number reached') }),
      annotations: harmless,
    },
    async ({ to, every_ms }, ctx) => {
      for (let step = 1; step <= to; step++) {
        await wait(every_ms, ctx.mcpReq.signal);
        await progress(ctx, { progress: step, total: to, message: `${step} of ${to}` });
      }
      return { ...text(`Counted to ${to}.`), structuredContent: { counted: to } };
    },
  );
}

/** Tells how far a call has come; says nothing to a client that gave no token to say it with. */
async function progress(ctx: ServerContext, report: { progress: number; total: number; message: string }) {
  const progressToken = ctx.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return;
  await ctx.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, ...report } });
}
