// `sluice call`: one tool call against a running gateway, its progress on stderr, its result alone on stdout.

import type { CallToolResult, Client, Tool } from '@modelcontextprotocol/client';
import { suggest } from '../lib/suggest.ts';
import { typeArguments } from './arguments.ts';
import { offerAnswers } from './ask.ts';
import { CliError, EXIT } from './exit.ts';
import { visibleLines } from './log-fields.ts';
import { type Reach, withClient } from './mcp.ts';
import { type Meter, startMeter } from './meter.ts';
import { notListed } from './not-listed.ts';
import type { Shell } from './shell.ts';

export interface CallOptions extends Reach {
  readonly json?: boolean | undefined;
  readonly jsonArgs?: string | undefined;
}

/** As long as a timer can be: the gateway has its own deadlines, and Ctrl-C is at hand. */
const LONGEST_MS = 2_147_483_647;

export async function call(
  shell: Shell,
  name: string,
  words: readonly string[],
  options: CallOptions,
): Promise<number> {
  if (options.jsonArgs !== undefined && words.length > 0)
    throw new CliError(EXIT.usage, 'give either key=value or --json-args, not both');
  const cancel = new AbortController();
  const interrupt = (): void => cancel.abort(new CliError(EXIT.interrupted, 'cancelled'));
  process.once('SIGINT', interrupt);
  const meter = startMeter(shell, name);
  try {
    const result = await withClient(
      shell,
      options,
      (client) => run(client, name, words, options, { meter, signal: cancel.signal }),
      offerAnswers(shell, meter),
    );
    meter.end();
    return print(shell, result, options.json === true);
  } catch (error) {
    if (cancel.signal.aborted) throw cancel.signal.reason;
    if (error instanceof UnknownTool) throw (await notListed(shell, options, name)) ?? error;
    throw error;
  } finally {
    meter.end();
    process.off('SIGINT', interrupt);
  }
}

async function run(
  client: Client,
  name: string,
  words: readonly string[],
  { jsonArgs }: CallOptions,
  { meter, signal }: { meter: Meter; signal: AbortSignal },
): Promise<CallToolResult> {
  const { tools } = await client.listTools(undefined, { signal });
  const tool = tools.find((listed) => listed.name === name);
  if (tool === undefined) throw new UnknownTool(name, tools);
  const args = jsonArgs === undefined ? typed(words, tool) : parsed(jsonArgs);
  return client.callTool(
    { name, arguments: args },
    {
      signal,
      timeout: LONGEST_MS,
      resetTimeoutOnProgress: true,
      onprogress: (report) => meter.update(report),
      toolDefinition: tool,
    },
  );
}

function typed(words: readonly string[], tool: Tool): Record<string, unknown> {
  const result = typeArguments(words, tool.inputSchema);
  if (result.ok) return { ...result.value };
  const [first = '', ...others] = result.problems;
  throw new CliError(
    EXIT.usage,
    `${tool.name}: ${[first, ...others].join(`\n        ${tool.name}: `)}`,
    '`sluice tools list --json` shows the schema; --json-args takes the arguments as JSON',
  );
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Said below.
  }
  throw new CliError(EXIT.usage, '--json-args is not a JSON object', `write --json-args '{"text": "hi"}'`);
}

class UnknownTool extends CliError {
  constructor(name: string, tools: readonly Tool[]) {
    const names = tools.map((tool) => tool.name);
    const near = suggest(name, names) ?? names.find((known) => known.endsWith(`__${name}`));
    super(
      EXIT.failed,
      `there is no tool ${visibleLines(name)}`,
      near === undefined ? '`sluice tools list` shows all' : `did you mean ${visibleLines(near)}?`,
    );
  }
}

function print(shell: Shell, result: CallToolResult, json: boolean): number {
  const failed = result.isError === true;
  if (json) {
    shell.out.write(`${JSON.stringify(result)}\n`);
    return failed ? EXIT.failed : EXIT.ok;
  }
  const text = result.content.map(plain).join('\n') || JSON.stringify(result.structuredContent ?? {});
  const output = failed ? shell.err : shell.out;
  const shown = output.isTty ? visibleLines(text) : text;
  output.write(`${failed ? 'the tool failed: ' : ''}${shown}${shown.endsWith('\n') ? '' : '\n'}`);
  return failed ? EXIT.failed : EXIT.ok;
}

/** One block of content as text; what is not text is named, and `--json` has it whole. */
function plain(block: CallToolResult['content'][number]): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'resource':
      return 'text' in block.resource ? block.resource.text : `[resource ${block.resource.uri}]`;
    case 'resource_link':
      return block.uri;
    default:
      return `[${block.type} ${block.mimeType}, ${Math.floor((block.data.length * 3) / 4)} bytes; see --json]`;
  }
}
