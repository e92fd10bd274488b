// `sluice tools list`: what a running gateway offers.

import { EXIT } from './exit.ts';
import { visible } from './log-fields.ts';
import { type Reach, withClient } from './mcp.ts';
import type { Shell } from './shell.ts';

export async function listTools(
  shell: Shell,
  options: Reach & { readonly json?: boolean | undefined },
): Promise<number> {
  const tools = await withClient(shell, options, async (client) => (await client.listTools()).tools);
  if (options.json === true) {
    shell.out.write(`${JSON.stringify({ version: 1, tools })}\n`);
    return EXIT.ok;
  }
  const width = Math.max(0, ...tools.map(({ name }) => name.length));
  for (const { name, title, description } of tools) {
    const about = (description ?? title ?? '').split('\n')[0] ?? '';
    shell.out.write(`${`${visible(name).padEnd(width)}  ${visible(about)}`.trimEnd()}\n`);
  }
  if (tools.length === 0) shell.err.write('no tools\n');
  return EXIT.ok;
}
