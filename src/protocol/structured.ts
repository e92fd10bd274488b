// Structured results of tools, for clients of the initialize era: there they are objects, and so is their schema.
// Since 2026-07-28 they may be any value (server/tools §Structured Content).

import { joinItems, rawItems } from './items.ts';
import type { McpResult } from './message.ts';
import { RawObject } from './raw.ts';

/** What has no form there is left out, of lists and of results alike; the text of a result says it still. */
export function objectsOnly(method: string, result: McpResult): McpResult {
  if (method === 'tools/list') return withoutSchemas(result);
  if (method === 'tools/call') return withoutValue(result);
  return result;
}

function withoutSchemas(result: McpResult): McpResult {
  const text = result.raw.raw('tools');
  if (!text?.includes('"outputSchema"')) return result;
  const tools = rawItems(text);
  const kept = tools.map((tool) =>
    tool.has('outputSchema') && tool.object('outputSchema')?.get('type') !== 'object'
      ? tool.with({ outputSchema: undefined })
      : tool,
  );
  return kept.every((tool, at) => tool === tools[at]) ? result : result.with({ tools: joinItems(kept) });
}

function withoutValue(result: McpResult): McpResult {
  const { raw, rest } = result;
  if (rest) return result.followedBy(rest.objectOnly('structuredContent'));
  if (!raw.has('structuredContent') || raw.object('structuredContent') !== undefined) return result;
  const bare = result.with({ structuredContent: undefined });
  const content = rawItems(raw.raw('content') ?? '[]');
  if (content.length > 0) return bare;
  const text = raw.raw('structuredContent') ?? 'null';
  return bare.with({ content: joinItems([RawObject.of({ type: 'text', text })]) });
}
