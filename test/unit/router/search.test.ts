// An endpoint that shows two tools: what they find, and that a call through them is the call of the tool itself.
import { describe, expect, test } from 'bun:test';
import { principalFact } from '../../../src/core/exchange.ts';
import { NO_SHELF } from '../../../src/core/shelf.ts';
import type { JsonObject } from '../../../src/protocol/values.ts';
import { exchange, nobody } from '../../fixtures/exchanges.ts';
import { routerOver, source } from './sources.ts';

const tool = (name: string, description: string, properties: object = {}) => ({
  name,
  description,
  inputSchema: { type: 'object', properties },
});

const github = () =>
  source('github', {
    'tools/list': {
      tools: [
        tool('create_issue', 'Opens a ticket in a repository.', { title: { type: 'string' } }),
        tool('listPullRequests', 'Shows what waits for review.'),
        ...Array.from({ length: 98 }, (_, i) => tool(`other_${i}`, 'Does something else.')),
      ],
    },
    'tools/call': ({ request }) => ({ content: [{ type: 'text', text: JSON.stringify(request.params) }] }),
  });
const files = () =>
  source('files', {
    'tools/list':
      '{"tools":[{"name":"read_file","description":"Liest eine Datei.","inputSchema":{"type":"object","properties":{"path":{"description":"where it lies"}},"x":1.0}}]}',
    'tools/call': { content: [] },
  });

function endpoint(options: Parameters<typeof routerOver>[1] = 'prefix', also?: string[]) {
  const [a, b] = [github(), files()];
  const { router, host } = routerOver([a, b], options, 5_000, {}, NO_SHELF, { hits: 5, also });
  const ask = async (method: string, params: JsonObject) => {
    const x = exchange(method, params);
    x.reroute(router.route(x));
    const routed = { method: x.request.method, params: x.request.params, route: x.route };
    const result = await router.handle(x, nobody);
    return { result, routed };
  };
  const call = (name: string, args: JsonObject, more: JsonObject = {}) =>
    ask('tools/call', { name, arguments: args, ...more });
  const find = async (query: string, more: JsonObject = {}) => {
    const { result } = await call('find_tool', { query, ...more });
    return result.value.structuredContent as { tools: { name: string }[]; total: number };
  };
  const names = async (query: string, more: JsonObject = {}) =>
    (await find(query, more)).tools.map(({ name }) => name);
  return { a, b, router, host, ask, call, find, names };
}

describe('the list', () => {
  test('has two tools, and says whose others there are', async () => {
    const { ask } = endpoint();
    const { result } = await ask('tools/list', {});
    const tools = result.value.tools as unknown as { name: string; description: string }[];
    expect(tools.map(({ name }) => name)).toEqual(['find_tool', 'call_tool']);
    expect(tools[0]?.description).toContain('github, files');
    expect(result.raw.text.length).toBeLessThan(2_000);
  });

  test('has those beside them that the configuration names, and one page', async () => {
    const { ask } = endpoint('prefix', ['files__*']);
    const { result } = await ask('tools/list', {});
    expect((result.value.tools as unknown as { name: string }[]).map(({ name }) => name)).toEqual([
      'find_tool',
      'call_tool',
      'files__read_file',
    ]);
    expect((await ask('tools/list', { cursor: 'x' })).result.code).toBe(-32602);
  });
});

describe('find_tool', () => {
  const words: [string, string][] = [
    ['create issue', 'github__create_issue'],
    ['open a ticket', 'github__create_issue'],
    ['pull requests', 'github__listPullRequests'],
    ['createissue', 'github__create_issue'],
    ['repositry', 'github__create_issue'],
    ['datei', 'files__read_file'],
    ['where does it lie', 'files__read_file'],
  ];
  test.each(words)('%s', async (query, best) => {
    const { names } = endpoint();
    expect((await names(query))[0]).toBe(best);
  });

  test('gives names to call, and schemas to the byte', async () => {
    const { call } = endpoint();
    const { result } = await call('find_tool', { query: 'read file', limit: 1 });
    expect(result.raw.text).toContain('"properties":{"path":{"description":"where it lies"}},"x":1.0}');
    const [text] = result.value.content as unknown as { text: string }[];
    expect(JSON.parse(text?.text ?? '')).toEqual(result.value.structuredContent);
  });

  test('returns so many as are asked for, best first, and says how many there are', async () => {
    const { find } = endpoint();
    expect((await find('other something else')).tools).toHaveLength(5);
    const more = await find('other something else', { limit: 20 });
    expect(more.tools).toHaveLength(20);
    expect(more.total).toBe(101);
    expect((await find('zzz')).tools).toEqual([]);
  });

  test.each([[{}], [{ query: 7 }], [{ query: 'x', limit: 0 }], [{ query: 'x', limit: 'all' }]])(
    'says what is wrong with %j',
    async (args) => {
      const { call } = endpoint();
      const { result } = await call('find_tool', args as JsonObject);
      expect(result.code).toBe(-32602);
      expect(result.raw.string('message')).toContain('find_tool: arguments.');
    },
  );

  test('refuses a query of any length but a few words', async () => {
    const { call, host } = endpoint();
    const { result } = await call('find_tool', { query: 'x'.repeat(1_001) });
    expect([result.code, result.raw.string('message')]).toEqual([
      -32602,
      'find_tool: arguments.query is longer than limits.query (1000).',
    ]);
    expect((await call('find_tool', { query: 'x'.repeat(1_000) })).result.kind).toBe('complete');
    const { values } = await host.metrics.limitHits.get();
    expect(values.map(({ value, labels }) => [value, labels.limit])).toEqual([[1, 'query']]);
  });

  test('finds nothing that is hidden from its caller', async () => {
    const { names } = endpoint({ template: undefined, tools: { allow: ['read_*'], deny: undefined } });
    expect(await names('create issue open ticket')).toEqual([]);
    expect(await names('read')).toEqual(['read_file']);
  });
});

test('find_tool asks nothing, so no state brings it back', async () => {
  const { call } = endpoint();
  const { result } = await call('find_tool', { query: 'datei' }, { requestState: 's' });
  expect(result.raw.object('data')?.string('code')).toBe('STATE_INVALID');
});

describe('call_tool', () => {
  test('is the call of the tool before anything has looked at it', async () => {
    const { call, a } = endpoint();
    const args = { name: 'github__create_issue', arguments: { title: 'x' } };
    const { routed, result } = await call('call_tool', args, { _meta: { progressToken: 1 } });
    expect(routed).toMatchObject({
      params: { name: 'github__create_issue', arguments: { title: 'x' }, _meta: { progressToken: 1 } },
      route: { kind: 'one', upstream: 'github', name: 'create_issue' },
    });
    expect(result.kind).toBe('complete');
    expect(a.asked('tools/call').map(({ request }) => request.params.name)).toEqual(['create_issue']);
  });

  test('without arguments is a call without arguments', async () => {
    const { call, b } = endpoint();
    await call('call_tool', { name: 'files__read_file' });
    expect(b.asked('tools/call')[0]?.request.params).toEqual({ name: 'read_file' });
  });

  test('the tool itself can be called, too', async () => {
    const { call, b } = endpoint();
    expect((await call('files__read_file', {})).result.kind).toBe('complete');
    expect(b.asked('tools/call')).toHaveLength(1);
  });

  test('of what there is not is answered as that', async () => {
    const { call } = endpoint();
    const through = await call('call_tool', { name: 'nobody__has_it' });
    const itself = await call('nobody__has_it', {});
    expect(through.result.raw.text).toBe(itself.result.raw.text);
  });

  test('of find_tool finds', async () => {
    const { call } = endpoint();
    const { result } = await call('call_tool', { name: 'find_tool', arguments: { query: 'datei' } });
    expect(result.value.structuredContent).toMatchObject({ tools: [{ name: 'files__read_file' }] });
  });

  test.each([
    [{}],
    [{ name: 1 }],
    [{ name: 'x', arguments: [] }],
    [{ name: 'x', arguments: 'y' }],
    // Plugins would judge a call of call_tool, and not that of the tool.
    [{ name: 'call_tool', arguments: { name: 'files__read_file' } }],
  ])('says what is wrong with %j, and calls nothing', async (args) => {
    const { call, a, b } = endpoint();
    const { result } = await call('call_tool', args as JsonObject);
    expect(result.code).toBe(-32602);
    expect(result.raw.string('message')).toContain('call_tool: arguments.');
    expect([...a.asked('tools/call'), ...b.asked('tools/call')]).toEqual([]);
  });
});

describe('a plugin that changes the request', () => {
  test('into another call, or into one through call_tool', async () => {
    const { router, b } = endpoint();
    const x = exchange('tools/call', { name: 'find_tool', arguments: { query: 'x' } });
    x.reroute(router.route(x));
    x.replace(x.request.with({ name: 'call_tool', arguments: { name: 'files__read_file' } }));
    await router.follow(x);
    expect(x.request.params).toEqual({ name: 'files__read_file' });
    expect((await router.handle(x, nobody)).kind).toBe('complete');
    expect(b.asked('tools/call')).toHaveLength(1);
  });

  test('of a tool into find_tool', async () => {
    const { router } = endpoint();
    const x = exchange('tools/call', { name: 'files__read_file' });
    x.reroute(router.route(x));
    x.replace(x.request.with({ name: 'find_tool', arguments: { query: 'datei' } }));
    const result = await router.handle(x, nobody);
    expect(result.value.structuredContent).toMatchObject({ tools: [{ name: 'files__read_file' }] });
  });
});

test('no upstream has to be asked for the schemas of the two', async () => {
  const { router, a } = endpoint();
  const x = exchange('tools/call', { name: 'call_tool', arguments: {} });
  expect(await router.tool(x, 'call_tool', { maxAge: 0 })).toBeUndefined();
  expect(a.asked()).toEqual([]);
});

test('what is wrong with a call through call_tool is said to callers that plugins know, too', async () => {
  const { router } = endpoint({ maxTools: 3 });
  const x = exchange('tools/call', { name: 'call_tool', arguments: { tool: 'x' } });
  x.reroute(router.route(x));
  x.set(principalFact, { id: 'u', scopes: [] });
  expect((await router.handle(x, nobody)).value.message).toBe('call_tool: arguments.name must be a text.');
});
