// The two tools of an endpoint that shows no others: how they are listed, and what is in their calls.

import { errorResult } from '../core/errors.ts';
import type { McpRequest, McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';

export const FIND = 'find_tool';
export const CALL = 'call_tool';

/** Most hits that a caller may ask for at once. */
const MOST = 50;

const FOUND = {
  type: 'object',
  properties: {
    tools: {
      type: 'array',
      description: 'The tools that fit best, best first.',
      items: {
        type: 'object',
        properties: {
          name: { type: 'string' },
          title: { type: 'string' },
          description: { type: 'string' },
          inputSchema: { type: 'object' },
          annotations: { type: 'object' },
        },
        required: ['name', 'inputSchema'],
      },
    },
    total: { type: 'integer', description: 'How many tools there are.' },
  },
  required: ['tools', 'total'],
};

export interface FindLimits {
  /** Hits, where the caller does not say how many it wants. */
  readonly hits: number;
  /** Most characters of a query: each word of it is compared with all there are. */
  readonly query: number;
}

/** @param upstreams whose tools the caller can find */
export function searchTools(upstreams: readonly string[], { hits, query }: FindLimits): RawObject[] {
  const whose = upstreams.length === 0 ? '' : ` There are tools of: ${upstreams.join(', ')}.`;
  return [
    RawObject.of({
      name: FIND,
      title: 'Find a tool',
      description: `Finds tools by what they do, with their names and input schemas. Use it before ${CALL}.${whose}`,
      inputSchema: {
        type: 'object',
        properties: {
          query: {
            type: 'string',
            maxLength: query,
            description: 'What the tool should do, in a few words.',
          },
          limit: {
            type: 'integer',
            minimum: 1,
            maximum: MOST,
            description: `Most tools to return (default: ${hits}).`,
          },
        },
        required: ['query'],
      },
      outputSchema: FOUND,
      annotations: { readOnlyHint: true, openWorldHint: false },
    }),
    RawObject.of({
      name: CALL,
      title: 'Call a tool',
      description: `Calls a tool that ${FIND} has found.`,
      inputSchema: {
        type: 'object',
        properties: {
          name: { type: 'string', description: `The name of the tool, as ${FIND} gave it.` },
          arguments: { type: 'object', description: 'Its arguments, as its inputSchema has them.' },
        },
        required: ['name'],
      },
    }),
  ];
}

export interface Wanted {
  readonly query: string;
  readonly limit: number;
}

/** What a call of `find_tool` wants. */
export function wantedOf({ raw }: McpRequest, { hits, query: longest }: FindLimits): Wanted | McpResult {
  const given = raw?.object('arguments');
  const query = given?.string('query');
  if (query === undefined) return wrong(FIND, 'arguments.query', 'a text');
  if (query.length > longest)
    return errorResult(
      'PARAMS_INVALID',
      `${FIND}: arguments.query is longer than limits.query (${longest}).`,
      {
        limit: 'query',
      },
    );
  const limit = given?.get('limit') ?? hits;
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > MOST)
    return wrong(FIND, 'arguments.limit', `a whole number from 1 to ${MOST}`);
  return { query, limit };
}

/** The call that is in a call of `call_tool`: everything else of the request is its own. */
export function innerCall(request: McpRequest): McpRequest | McpResult {
  const given = request.raw?.object('arguments');
  const name = given?.string('name');
  if (name === undefined) return wrong(CALL, 'arguments.name', 'a text');
  // Plugins would see the outer of the two, and judge that.
  if (name === CALL) return wrong(CALL, 'arguments.name', 'the name of another tool');
  const inner = given?.get('arguments');
  if (inner !== undefined && given?.object('arguments') === undefined)
    return wrong(CALL, 'arguments.arguments', 'an object');
  return request.with({ name, arguments: given?.object('arguments') });
}

function wrong(tool: string, what: string, wanted: string): McpResult {
  return errorResult('PARAMS_INVALID', `${tool}: ${what} must be ${wanted}.`);
}
