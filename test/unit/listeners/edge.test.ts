// Messages at the door: statuses, ids, and results as either era wants them.
import { describe, expect, test } from 'bun:test';
import { ANONYMOUS, type Client, NO_CAPABILITIES } from '../../../src/core/client.ts';
import { catalogue, type ErrorName, errorResult } from '../../../src/core/errors.ts';
import { answerText, requestId, requestOf, statusOf } from '../../../src/listeners/edge.ts';
import { rawId } from '../../../src/protocol/jsonrpc.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';

const of = (era: '2025' | '2026'): Client => ({
  era,
  version: '',
  transport: 'http',
  info: undefined,
  capabilities: NO_CAPABILITIES,
  principal: ANONYMOUS,
});

describe('statuses', () => {
  const status = (name: ErrorName, era: '2025' | '2026') => statusOf(errorResult(name), of(era));
  test('of 2026-07-28 are those of the catalogue, but for failures of upstreams, which the JSON tells', () => {
    for (const [name, { fault, http }] of Object.entries(catalogue)) {
      expect([name, status(name as ErrorName, '2026')]).toEqual([name, fault === 'upstream' ? 200 : http]);
    }
    expect(statusOf(McpResult.error({ code: -32601, message: '' }), of('2026'))).toBe(404);
    expect(statusOf(McpResult.error({ code: -32021, message: '' }), of('2026'))).toBe(400);
    expect(statusOf(McpResult.error({ code: -32602, message: '' }), of('2026'))).toBe(200);
    // A name that only looks like one of ours decides nothing.
    expect(
      statusOf(McpResult.error({ code: 1, message: '', data: { code: 'constructor' } }), of('2026')),
    ).toBe(200);
  });

  test('before are 200, but where a plugin or a limit refused, or the session is another’s', () => {
    for (const [name, { http }] of Object.entries(catalogue)) {
      const isTold = [401, 403, 429, 503].includes(http) || name === 'SESSION_UNKNOWN';
      const told = isTold ? http : 200;
      expect([name, status(name as ErrorName, '2025')]).toEqual([name, told]);
    }
  });

  test('of a result are 200', () => {
    for (const era of ['2025', '2026'] as const) expect(statusOf(McpResult.complete({}), of(era))).toBe(200);
  });
});

test('an answer has what its era needs', () => {
  const result = McpResult.complete({ resultType: 'complete', ttlMs: 5, cacheScope: 'public', tools: [] });
  expect(answerText(rawId(1), 'tools/list', result, of('2025'))).toBe(
    '{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}',
  );
  const bare = McpResult.complete({ tools: [] });
  expect(JSON.parse(answerText(rawId('a'), 'tools/list', bare, of('2026')))).toEqual({
    jsonrpc: '2.0',
    id: 'a',
    result: { tools: [], resultType: 'complete', ttlMs: 0, cacheScope: 'private' },
  });
});

test('a request brings its token as text, and its own level or that of its session', () => {
  const params = RawObject.of({ _meta: { progressToken: 1, 'io.modelcontextprotocol/logLevel': 'info' } });
  expect(requestOf('m', params, undefined).meta).toEqual({ progressToken: '1', logLevel: 'info' });
  expect(requestOf('m', undefined, 'debug').meta).toEqual({ progressToken: undefined, logLevel: 'debug' });
});

test('a request id is harmless or new', () => {
  expect(requestId('a.b-1:2_3')).toBe('a.b-1:2_3');
  for (const bad of [null, '', 'a b', 'a\tb', 'é', 'x'.repeat(129)])
    expect(requestId(bad)).toMatch(/^[0-9a-f-]{36}$/);
});
