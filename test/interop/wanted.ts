// What the steps of a pair should say: what they say without a gateway, but for what the eras call differently.
// Where an SDK lacks something, or has its own idea, it stands here.
import type { Pair, Sdk } from './matrix.ts';
import type { Step } from './pair.ts';

/** A name that no server knows is an error of the protocol to some SDKs, and a result to others. */
const UNKNOWN_TOOL: Readonly<Record<Sdk, Step>> = {
  'python-1': { isError: true, text: 'Unknown tool: nowhere' },
  'python-2': { isError: true, text: 'Unknown tool: nowhere' },
  go: { error: -32602 },
  'typescript-1': { isError: true, text: 'MCP error -32602: Tool nowhere not found' },
  'typescript-2': { error: -32602 },
};

/** What a server says of a resource it does not have, where the initialize-era text knows -32002. */
const UNKNOWN_RESOURCE: Readonly<Record<Sdk, number>> = {
  'python-1': 0,
  'python-2': -32602,
  go: -32602,
  'typescript-1': -32602,
  'typescript-2': -32602,
};

const FAILURE: Readonly<Record<Sdk, string>> = {
  'python-1': 'Error executing tool fail: as you wished',
  'python-2': 'Error executing tool fail: as you wished',
  go: 'as you wished',
  'typescript-1': 'as you wished',
  'typescript-2': 'as you wished',
};

const TOOLS = ['ask', 'cancelled', 'count', 'echo', 'fail', 'think', 'touch', 'wait'];

export function wantedOf(pair: Pair): Record<string, Step> {
  const { client, server } = pair;
  return {
    connect: { version: client.era === '2026' ? '2026-07-28' : '2025-11-25' },
    lists: { tools: TOOLS, resources: ['note://pinned'], prompts: ['greet'] },
    echo: { text: 'Zoë — 漢字 🦦' },
    progress: wantedProgress(pair),
    cancel: { reports: [[1, null, 'waiting']], recorded: true },
    accept: { text: 'accept Ada' },
    decline: { text: 'decline' },
    sample: { text: 'parrot: THINK OF A NUMBER' },
    subscribe: { updated: ['note://pinned'], text: 'revision 1' },
    prompt: { text: 'Hello, Ada!' },
    toolError: { isError: true, text: FAILURE[server.sdk] },
    unknownTool: UNKNOWN_TOOL[server.sdk],
    unknownResource: { error: unknownResource(pair) },
    // 2026-07-28 has no ping.
    ...(client.era === '2025' && { ping: {} }),
    close: {},
  };
}

function wantedProgress({ client, over }: Pair): Step {
  const reports = [1, 2, 3, 4, 5].map((n) => [n, 5, `${n} of 5`]);
  const text = 'counted to 5';
  // The Go SDK hands out the result while notifications that came before it still wait: their order cannot be seen.
  if (client.sdk === 'go') return { text, reports };
  // The TypeScript SDKs, over stdio, forget notifications in one chunk with the result; the wire is looked at instead.
  if (client.sdk.startsWith('typescript'))
    return { text, reports, late: 0, ...(over === 'http' && { heard: 5 }) };
  return { text, reports, late: 0 };
}

/**
 * A server of 2026-07-28 says -32602 with the URI, and a client of the initialize era expects -32002 for that.
 * What a server of its own era says passes as it is. The TypeScript SDK 2 tells its user -32602 for both.
 */
function unknownResource({ client, server }: Pair): number {
  const translated = client.era === '2025' && server.era === '2026' && client.sdk !== 'typescript-2';
  return translated ? -32002 : UNKNOWN_RESOURCE[server.sdk];
}

/** The steps without what may differ: texts of errors, the order of tools, what is lost on the client's side. */
export function comparable(
  steps: Readonly<Record<string, Step>>,
  { client, over }: Pair,
): Record<string, Step> {
  return Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, plain(name, step)]));

  function plain(name: string, step: Step): Step {
    const { error, tools, heard, ...rest } = step as {
      error?: { code: number };
      tools?: string[];
      heard?: number;
    };
    const kept =
      heard === undefined || (over === 'stdio' && client.sdk.startsWith('typescript')) ? {} : { heard };
    return {
      ...rest,
      ...(error && { error: name === 'unknownTool' || name === 'unknownResource' ? error.code : error }),
      ...(tools && { tools: tools.toSorted() }),
      ...kept,
    };
  }
}
