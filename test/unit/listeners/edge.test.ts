// Messages at the door: statuses, ids, and results as either era wants them.
import { describe, expect, test } from 'bun:test';
import { ANONYMOUS, type Client, NO_CAPABILITIES } from '../../../src/core/client.ts';
import { catalogue, type ErrorName, errorResult } from '../../../src/core/errors.ts';
import { answerText, requestId, requestOf, statusOf } from '../../../src/listeners/edge.ts';
import { statelessResult } from '../../../src/protocol/codec.ts';
import { rawId } from '../../../src/protocol/jsonrpc.ts';
import { McpResult, signedBy } from '../../../src/protocol/message.ts';
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

describe('an answer', () => {
  const GATEWAY = { name: 'sluice', version: '1' };
  const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';
  const answer = (result: McpResult, era: '2025' | '2026', id: string | number = 1) =>
    answerText({ id: rawId(id), method: 'tools/list' }, result, of(era), RawObject.of(GATEWAY));

  test('has what its era needs', () => {
    const result = McpResult.complete({ resultType: 'complete', ttlMs: 5, cacheScope: 'public', tools: [] });
    expect(answer(result, '2025')).toBe('{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}');
    expect(JSON.parse(answer(McpResult.complete({ tools: [] }), '2026', 'a'))).toEqual({
      jsonrpc: '2.0',
      id: 'a',
      result: {
        tools: [],
        _meta: { [SERVER_INFO]: GATEWAY },
        resultType: 'complete',
        ttlMs: 0,
        cacheScope: 'private',
      },
    });
  });

  test('says in 2026 that the gateway made it, unless somebody else did', () => {
    const infoOf = (result: McpResult) => JSON.parse(answer(result, '2026')).result?._meta?.[SERVER_INFO];
    expect(infoOf(McpResult.complete({ _meta: { a: 1 } }))).toEqual(GATEWAY);
    expect(infoOf(McpResult.complete({ _meta: { [SERVER_INFO]: { name: 's' } } }))).toEqual({ name: 's' });
    const other = signedBy(McpResult.complete({}), RawObject.of({ name: 'u' }));
    expect(infoOf(other)).toEqual({ name: 'u' });
    expect(infoOf(other.with({ tools: [] }))).toEqual({ name: 'u' });
    const said = statelessResult('tools/list', RawObject.of({ tools: [] }), false);
    expect(said && infoOf(said)).toBeUndefined();
    expect(said && infoOf(said.with({ tools: [1] }))).toBeUndefined();
    expect(answer(McpResult.error({ code: 1, message: 'm' }), '2026')).toBe(
      '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}',
    );
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
