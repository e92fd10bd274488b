// Who made a result is in each of them toward a client of 2026: the server of 2025 it came from, the gateway where it
// speaks for itself. What a server of 2026 says stays as it is, and a client of 2025 is told in its greeting alone.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { definePlugin, McpResult, z } from '../../src/plugin.ts';
import { ask, call as callTool, openSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { type RawUpstream, startRawUpstream } from '../fixtures/raw-upstream.ts';

const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';
const GATEWAY = { name: 'sluice', version: '0.0.0-test' };
const RAW = { name: 'raw', version: '1' };
const elicitation = { mode: 'url', elicitationId: 'e', message: 'Go', url: 'https://a.example/' };
const URL_FIRST = `!${JSON.stringify({ code: -32042, message: 'first', data: { elicitations: [elicitation] } })}`;

const answering = definePlugin({
  name: 'answering',
  api: 1,
  about: 'Answers a tool that no upstream has.',
  schema: z.strictObject({}),
  setup: () => ({
    onRequest: ({ params }) =>
      params.name === 'old__plugin' ? McpResult.complete({ content: [] }) : undefined,
  }),
});

const upstreams: RawUpstream[] = [];
let gateway: InProcess;
beforeAll(async () => {
  for (const era of ['2025', '2026'] as const) {
    upstreams.push(
      startRawUpstream({
        era,
        tools: '[{"name":"t"}]',
        answer: ({ message: { params } }) => {
          if (params.name === 'page') return URL_FIRST;
          if (params.name === 'named') return `{"content":[],"_meta":{"${SERVER_INFO}":{"name":"x"}}}`;
          return '{"content":[]}';
        },
      }),
    );
  }
  const [old, young] = upstreams.map(({ url }) => ({ url }));
  gateway = await startInProcess(configOf({ old, young }, { pipeline: [{ answering: {} }] }), {
    plugins: { answering },
  });
});
afterAll(async () => {
  await gateway.stop();
  for (const upstream of upstreams) await upstream.stop();
});

async function madeBy(method: string, params: { name?: string } = {}): Promise<unknown> {
  const named = params.name === undefined ? {} : { name: params.name };
  const options = { ...named, capabilities: { elicitation: { url: {} } } };
  const { result } = await (await ask(gateway.url, method, params, options)).json();
  expect(result).toHaveProperty('resultType');
  return result._meta?.[SERVER_INFO];
}

test.each([
  ['what the gateway says of itself', 'server/discover', undefined, GATEWAY],
  ['a list of several', 'tools/list', undefined, GATEWAY],
  ['an answer of a plugin', 'tools/call', 'old__plugin', GATEWAY],
  ['a question that waits here', 'tools/call', 'old__page', GATEWAY],
  ['an answer of a server of 2025', 'tools/call', 'old__t', RAW],
  ['the same of one that names another', 'tools/call', 'old__named', { name: 'x' }],
  ['an answer of a server of 2026 that names none', 'tools/call', 'young__t', undefined],
  ['the same of one that does', 'tools/call', 'young__named', { name: 'x' }],
])('%s', async (_what, method, name, info) => {
  expect(await madeBy(method, name === undefined ? {} : { name })).toEqual(info);
});

test('an error has no place for it', async () => {
  const { error } = await (await callTool(gateway.url, 'nobody__t')).json();
  expect(error).not.toHaveProperty('_meta');
});

test('a client of 2025 gets none of it', async () => {
  const session = await openSession(gateway.url);
  for (const name of ['old__t', 'old__plugin'])
    expect((await (await session.call(name)).json()).result).toEqual({ content: [] });
  const { result } = await (await session.ask('tools/list')).json();
  expect(Object.keys(result)).toEqual(['tools']);
});
