// A server that asks its client during calls of `ask`, for tests of what becomes of these.
import { expect } from 'bun:test';
import type { McpResult } from '../../../src/protocol/message.ts';
import {
  clientOf,
  type ExchangeOptions,
  exchange,
  nobody,
  testHost,
  textOf,
  toolCall,
} from '../../fixtures/exchanges.ts';
import type { Running } from '../../fixtures/running.ts';
import { serverSpec } from '../../fixtures/specs.ts';

export const able = { elicitation: {}, sampling: {}, roots: {} };
export const elicit = (message: string) => ({
  method: 'elicitation/create',
  params: { message, elicitationId: 'e1', requestedSchema: {} },
});
export const accept = (content: object) => ({ action: 'accept', content });

/** An initialize-era server over stdio, and a client that can be asked. */
export function startAsking(
  run: Running,
  changes: Parameters<typeof serverSpec>[1] = {},
  client = clientOf({ capabilities: able, principal: 'ada' }),
) {
  const host = testHost();
  const upstream = run.upstream(serverSpec(['--era', '2025'], changes), host);
  const ask = (args: object, options: ExchangeOptions = {}) =>
    upstream.handle(toolCall('ask', args, { client, ...options }), nobody);
  /** Calls a tool by a method during which nobody can be asked. */
  const aside = (name: string, args = {}) =>
    upstream.handle(exchange('test/call', { name, arguments: args }, { client }), nobody);
  const received = async (): Promise<string[]> => JSON.parse(textOf(await aside('received')));
  const retry = (
    state: unknown,
    args: object,
    inputResponses?: object,
    options: ExchangeOptions = {},
    name = 'ask',
  ) =>
    upstream.handle(
      exchange(
        'tools/call',
        { name, arguments: args, inputResponses, requestState: state },
        { client, ...options },
      ),
      nobody,
    );
  /** How many calls of `ask` the server has seen. */
  const executed = async () => (await received()).filter((line) => line.includes('"name":"ask"')).length;
  return { host, upstream, client, ask, aside, retry, received, executed };
}

export const stateOf = (result: McpResult): string => {
  expect(result.kind).toBe('input_required');
  return result.raw.string('requestState') ?? '';
};
export const inputsOf = (result: McpResult) =>
  result.value.inputRequests as Record<string, { method: string; params?: object }>;
/** Arguments of a call that asks once. */
export const one = { questions: [elicit('Who?')] };
