// Headers that mirror arguments are checked by the schema that the caller was shown: by whom plugins find it to be.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { definePlugin, McpResult, principalFact, z } from '../../src/plugin.ts';
import { call } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { type RawUpstream, startRawUpstream } from '../fixtures/raw-upstream.ts';

const TOOL = {
  name: 'x',
  inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
};

/** Who calls says so, and eve is shown tools without headers. */
const badges = definePlugin({
  name: 'badges',
  api: 1,
  about: 'Takes a header for a proof.',
  schema: z.strictObject({}),
  setup: () => ({
    onRequest(_, x) {
      const id = x.inbound.headers.get('x-badge');
      if (id !== null) x.set(principalFact, { id, scopes: [] });
    },
    onResult(result, x) {
      if (x.request.method !== 'tools/list' || x.principal.id !== 'eve') return undefined;
      return McpResult.complete(JSON.parse(result.raw.text.replaceAll('x-mcp-header', 'x-not')));
    },
  }),
});

let upstream: RawUpstream;
let gateway: InProcess;
beforeAll(async () => {
  upstream = startRawUpstream({
    tools: JSON.stringify([TOOL]),
    answer: () => '{"content":[],"resultType":"complete"}',
  });
  gateway = await startInProcess(configOf({ up: { url: upstream.url } }, { pipeline: [{ badges: {} }] }), {
    plugins: { badges },
  });
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

/** @returns the status, and what is wrong */
async function by(badge: string, region?: string): Promise<[number, string | undefined]> {
  const headers = { 'x-badge': badge, ...(region === undefined ? {} : { 'mcp-param-region': region }) };
  const answer = await call(gateway.url, 'x', { region: 'eu' }, { headers });
  const [message] = await answer.messages();
  return [answer.status, message.error?.data.code];
}

test('what one principal was shown is no measure for another', async () => {
  expect(await by('eve')).toEqual([200, undefined]);
  expect(await by('ada')).toEqual([400, 'HEADER_MISMATCH']);
  expect(await by('ada', 'us')).toEqual([400, 'HEADER_MISMATCH']);
  expect(await by('ada', 'eu')).toEqual([200, undefined]);
  expect(upstream.seen.filter(({ message }) => message.method === 'tools/call').length).toBe(2);
});
