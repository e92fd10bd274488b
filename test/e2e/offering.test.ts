// What an endpoint offers, on the wire: servers and clients of both eras, names made, changed and hidden.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { definePlugin, principalFact, z } from 'sluice/plugin';
import { ask, call, openSession } from '../fixtures/clients.ts';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { type RawUpstream, startRawUpstream } from '../fixtures/raw-upstream.ts';

const LONG = `report.${'x'.repeat(60)}`;
const TOOLS = JSON.stringify([
  {
    name: 'search',
    description: 'old',
    inputSchema: {
      type: 'object',
      properties: {
        repo: { type: 'string', 'x-mcp-header': 'Repo' },
        region: { type: 'string', 'x-mcp-header': 'Region' },
      },
      required: ['repo', 'region'],
    },
  },
  { name: 'delete', inputSchema: { type: 'object' } },
  { name: LONG, inputSchema: { type: 'object' } },
]);
const answered = ({
  message: { method, params },
}: {
  message: { method: string; params: { name?: string; uri?: string } };
}) => {
  const more = '"resultType":"complete","ttlMs":0,"cacheScope":"private"';
  if (method === 'resources/list')
    return `{"resources":[{"uri":"file:///docs/a","name":"a"},{"uri":"file:///secret/a","name":"s"}],${more}}`;
  if (method === 'resources/templates/list') return `{"resourceTemplates":[],${more}}`;
  if (method === 'resources/read') return `{"contents":[{"uri":"${params.uri}","text":"read"}],${more}}`;
  if (method === 'resources/subscribe') return '{}';
  if (method === 'tools/call') return `{"content":[{"type":"text","text":"${params.name}"}],${more}}`;
  return '!{"code":-32601,"message":"no"}';
};

const badges = definePlugin({
  name: 'badges',
  api: 1,
  about: 'Takes a header for a group.',
  schema: z.strictObject({}),
  setup: () => ({
    onRequest(request, x) {
      const group = x.inbound.headers.get('x-group');
      if (group !== null) x.set(principalFact, { id: group, scopes: [], groups: [group] });
      if (x.inbound.headers.has('x-careful'))
        x.narrow(({ kind, own }) => kind !== 'tool' || own !== 'search');
      return request;
    },
  }),
});

let old: RawUpstream;
let fresh: RawUpstream;
let gateway: InProcess;
const options = {
  overrides: { search: { name: 'find', description: 'new', arguments: { repo: 'acme/main' } } },
  resources: { deny: ['file:///secret/*'] },
};
const views = [{ for: { groups: ['ops'] } }, { tools: { deny: ['*delete*'] } }];

beforeAll(async () => {
  old = startRawUpstream({ era: '2025', tools: TOOLS, answer: answered });
  fresh = startRawUpstream({ era: '2026', tools: TOOLS, answer: answered });
  const upstreams = { old: { url: old.url, ...options }, fresh: { url: fresh.url, ...options } };
  const endpoints = {
    '/mcp': { views, aliases: { wipe: 'old/delete' } },
    '/one': { upstreams: ['fresh'], tools: { deny: ['delete'] } },
  };
  gateway = await startInProcess(configOf(upstreams, { endpoints, pipeline: [{ badges: {} }] }), {
    plugins: { badges },
  });
});
afterAll(async () => {
  await gateway.stop();
  await Promise.all([old.stop(), fresh.stop()]);
});

type Answer = { result?: Record<string, unknown>; error?: { code: number; message: string; data?: unknown } };
type Asking = (
  method: string,
  params: Record<string, unknown>,
  headers?: Record<string, string>,
) => Promise<Answer>;

/** A client of 2026 mirrors its arguments, as the schema tells it to. */
const stateless: Asking = async (method, params, headers = {}) => {
  const {
    name,
    uri,
    arguments: args,
  } = params as { name?: string; uri?: string; arguments?: { region?: string } };
  const mirrored = args?.region === undefined ? {} : { 'mcp-param-region': args.region };
  return (
    await ask(gateway.url, method, params, { name: name ?? uri ?? '', headers: { ...mirrored, ...headers } })
  ).json();
};
const inSession: Asking = async (method, params, headers = {}) => {
  const session = await openSession(gateway.url, { headers });
  return (await session.ask(method, params)).json();
};
const toolsOf = ({ result = {} }: Answer): { name: string }[] => result.tools as { name: string }[];
const names = (answer: Answer): string[] => toolsOf(answer).map(({ name }) => name);
const OPS = { 'x-group': 'ops' };

describe.each([
  ['2026', stateless],
  ['2025', inSession],
] as const)('a client of %s', (_, asks) => {
  test('is shown names that every client takes, each tool under one of its own', async () => {
    const all = names(await asks('tools/list', {}, OPS));
    expect(all.every((name) => /^[A-Za-z0-9_-]{1,58}$/.test(name))).toBe(true);
    const shown = all.map((name) => (name.length === 58 ? name.slice(0, -'x_01234567'.length) : name));
    expect(shown).toEqual([
      'old__find',
      'wipe',
      `old__report_${'x'.repeat(36)}`,
      'fresh__find',
      'fresh__delete',
      `fresh__report_${'x'.repeat(34)}`,
    ]);
    for (const name of all) {
      const args = name.endsWith('find') ? { region: 'eu' } : {};
      const { result } = await asks('tools/call', { name, arguments: args }, OPS);
      const own = name.includes('find') ? 'search' : name.includes('report') ? LONG : 'delete';
      expect(result?.content).toEqual([{ type: 'text', text: own }]);
    }
  });

  test('is not told of an argument that is set, and gets it set', async () => {
    const tool = toolsOf(await asks('tools/list', {})).find(({ name }) => name === 'fresh__find');
    expect(tool).toMatchObject({
      description: 'new',
      inputSchema: { properties: { region: {} }, required: ['region'] },
    });
    expect(JSON.stringify(tool)).not.toContain('repo');
    await asks('tools/call', { name: 'fresh__find', arguments: { region: 'eu' } });
    const seen = fresh.seen.findLast(({ message }) => message.method === 'tools/call');
    expect(seen?.message.params).toMatchObject({
      name: 'search',
      arguments: { region: 'eu', repo: 'acme/main' },
    });
    expect(['mcp-name', 'mcp-param-region', 'mcp-param-repo'].map((name) => seen?.headers.get(name))).toEqual(
      ['search', 'eu', 'acme/main'],
    );
    const other = await asks('tools/call', { name: 'old__find', arguments: { region: 'eu', repo: 'other' } });
    expect(other.error).toMatchObject({ code: -32602, data: { tool: 'old__find', argument: 'repo' } });
  });

  test('cannot tell what is hidden from what is not there', async () => {
    const shown = names(await asks('tools/list', {}));
    expect(shown).not.toContain('fresh__delete');
    const asked = fresh.seen.length;
    const said = async (name: string) =>
      JSON.stringify(await asks('tools/call', { name, arguments: {} })).replaceAll(name, '');
    expect(await said('fresh__delete')).toBe(await said('fresh__nothing'));
    expect(await said('old__delete')).toBe(await said('fresh__nothing'));
    expect(await said('fresh__search')).toBe(await said('fresh__nothing'));
    const calls = fresh.seen.slice(asked).filter(({ message }) => message.method === 'tools/call');
    expect(calls).toEqual([]);
    const read = async (uri: string) =>
      JSON.stringify(await asks('resources/read', { uri })).replaceAll(uri, '');
    expect(await read('file:///secret/a')).toBe(await read('file:///nothing'));
    expect(await read('file:///docs/../secret/a')).toBe(await read('file:///nothing'));
    expect(await read('file:///docs/a')).toContain('"text":"read"');
  });

  test('has what a plugin hides from it neither listed nor called', async () => {
    const careful = { ...OPS, 'x-careful': 'yes' };
    expect(names(await asks('tools/list', {}, careful)).filter((name) => name.endsWith('find'))).toEqual([]);
    const { error } = await asks('tools/call', { name: 'fresh__find', arguments: { region: 'eu' } }, careful);
    expect(error?.message).toBe('Unknown tool: fresh__find');
  });
});

test('headers are checked against the schema that was shown', async () => {
  const params = { region: 'eu' };
  const wrong = await call(gateway.url, 'fresh__find', params, { headers: { 'mcp-param-region': 'us' } });
  expect(wrong.status).toBe(400);
  const right = await call(gateway.url, 'fresh__find', params, { headers: { 'mcp-param-region': 'eu' } });
  expect(right.status).toBe(200);
});

test('a session cannot watch what is hidden, nor learn that it is there', async () => {
  const session = await openSession(gateway.url);
  await session.stream();
  const subscribe = async (uri: string) => (await session.ask('resources/subscribe', { uri })).text();
  const [hidden, nothing, there] = [
    await subscribe('file:///secret/a'),
    await subscribe('file:///nothing'),
    await subscribe('file:///docs/a'),
  ];
  expect(hidden.replaceAll('file:///secret/a', '')).toBe(nothing.replaceAll('file:///nothing', ''));
  expect(JSON.parse(there)).toHaveProperty('result');
});

test('one upstream alone keeps its names, without those that are hidden', async () => {
  const url = gateway.url.replace('/mcp', '/one');
  const { result } = await (await ask(url, 'tools/list')).json();
  expect(result.tools.map(({ name }: { name: string }) => name)).toEqual(['find', LONG]);
  expect((await (await call(url, LONG)).json()).result.content).toEqual([{ type: 'text', text: LONG }]);
});

test('what is wrong with the lists stands in the report', async () => {
  const upstreams = { old: { url: old.url }, fresh: { url: fresh.url, overrides: { gone: {} } } };
  const endpoints = { '/mcp': { names: 'none', collisions: 'refuse', max_tools: 1 } };
  await using running = await startInProcess(configOf(upstreams, { endpoints }));
  const { result } = await (await ask(running.url, 'tools/list')).json();
  expect(result.tools).toEqual([]);
  expect(running.gateway.report().remarks).toEqual(
    [
      'overrides: fresh has no tool gone',
      'two are called search: neither is offered',
      'two are called delete: neither is offered',
      `two are called ${LONG}: neither is offered`,
    ].map((text) => ({ endpoint: '/mcp', text })),
  );
});

test('a change of what is offered takes effect with a reload, and no connection ends for it', async () => {
  const own = startRawUpstream({ era: '2026', tools: TOOLS, answer: answered });
  const config = (tools: object) => configOf({ own: { url: own.url, ...tools } });
  await using running = await startInProcess(config({}));
  const list = async () => {
    const { result } = await (await ask(running.url, 'tools/list')).json();
    return result.tools.map(({ name }: { name: string }) => name);
  };
  expect(await list()).toEqual(['search', 'delete', LONG]);
  const hellos = () => own.seen.filter(({ message }) => message.method === 'server/discover').length;
  const before = hellos();
  running.configure(config({ tools: { deny: ['delete'] } }));
  expect(await running.reload()).toMatchObject({ ok: true, plan: { upstreams: { changed: ['own'] } } });
  expect(await list()).toEqual(['search', LONG]);
  expect(hellos()).toBe(before);
  await own.stop();
});
