// The demo's tools that return data worth having a gateway for: very much of it, or something that should not leak.
import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { harmless, text } from './tools.ts';

const MAX_BYTES = 8 * 1024 * 1024;
const LINE = 'The quick brown fox jumps over the lazy dog. 0123456789 ABCDEFG\n'; // 64 bytes

/** Registers big and leak_email. */
export function addSampleData(server: McpServer): void {
  server.registerTool(
    'big',
    {
      title: 'Big result',
      description: `Returns a text of exactly the size asked for, up to ${MAX_BYTES} bytes.`,
      inputSchema: z.object({
        bytes: z.int().min(0).max(MAX_BYTES).describe('The size of the text in bytes'),
      }),
      annotations: harmless,
    },
    (args) => text(LINE.repeat(Math.ceil(args.bytes / LINE.length)).slice(0, args.bytes)),
  );
  server.registerTool(
    'leak_email',
    {
      title: 'Leak an address',
      description:
        'Returns a text with an e-mail address and a token in it (both made up): something to redact.',
      inputSchema: z.object({}),
      annotations: harmless,
    },
    () =>
      text(
        'Account 4711 belongs to ada.lovelace@example.com, whose API token is demo_tok_5f4dcc3b5aa765d61d8327de.',
      ),
  );
}
