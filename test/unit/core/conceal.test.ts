// Errors that reach clients hold no secret; everything else passes as it is.
import { expect, test } from 'bun:test';
import { concealing } from '../../../src/core/conceal.ts';
import type { Exchange } from '../../../src/core/exchange.ts';
import type { Host } from '../../../src/core/host.ts';
import { createRedactor } from '../../../src/lib/redact.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';

const redact = createRedactor();
redact.learn(['canary-4711', '12345678']);

async function passed(result: McpResult): Promise<McpResult> {
  const handle = concealing(async () => result, { redact } as unknown as Host);
  return handle({} as Exchange, () => undefined);
}

test('an error is told without it, wherever in it that stands', async () => {
  const error = {
    code: -32000,
    message: 'key canary-4711 is bad',
    data: { sent: ['Bearer canary-4711'], id: 12345678 },
  };
  const told = await passed(new McpResult('error', RawObject.of(error), 401, { 'x-a': 'b' }));
  expect(told).toMatchObject({ kind: 'error', http: 401, headers: { 'x-a': 'b' } });
  expect(told.value).toEqual({
    code: -32000,
    message: 'key •••• is bad',
    data: { sent: ['Bearer ••••'], id: 12345678 },
  });
});

test('a result of a tool that says it is an error, escaped in JSON as well', async () => {
  const text = '{"content":[{"type":"text","text":"401 for canary\\u002d4711"}], "isError" :true}';
  const told = await passed(McpResult.complete(RawObject.trusted(text)));
  expect(told.value).toEqual({ content: [{ type: 'text', text: '401 for ••••' }], isError: true });
});

test('an error without one keeps its bytes', async () => {
  const result = new McpResult('error', RawObject.trusted('{ "code":1e0,"message":"no" , "data":1.50}'));
  expect(await passed(result)).toBe(result);
});

test('a result is what the server makes it', async () => {
  const result = McpResult.complete({ content: [{ type: 'text', text: 'canary-4711' }], isError: false });
  expect(await passed(result)).toBe(result);
});
