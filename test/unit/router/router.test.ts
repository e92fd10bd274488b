// One request, many upstreams: where it goes, what comes back, and what one that fails may spoil.
import { describe, expect, test } from 'bun:test';
import { McpResult } from '../../../src/protocol/message.ts';
import { clientOf, codeOf, exchange, toolCall } from '../../fixtures/exchanges.ts';
import { down, routerOver, source, type TestSource } from './sources.ts';

const echo = (name: string): TestSource =>
  source(name, { 'tools/call': (x) => ({ from: name, got: x.request.raw?.string('name') ?? '' }) });
const named = (...names: string[]) => names.map((name) => ({ name }));

describe('to one', () => {
  test('by prefix, which the upstream does not see', async () => {
    const { call } = routerOver([echo('a'), echo('a-b'), echo('files')]);
    for (const [name, from, got] of [
      ['a__x', 'a', 'x'],
      ['a-b__x__y', 'a-b', 'x__y'],
      ['files__a__x', 'files', 'a__x'],
    ] as const) {
      expect((await call(name)).value).toEqual({ from, got });
    }
  });

  test('that is not there is told apart from nothing: unknown, hidden or without prefix', async () => {
    const { call } = routerOver([echo('a')]);
    for (const name of ['x', 'b__x', 'a_x', '']) {
      expect((await call(name)).raw.value).toEqual({
        code: -32602,
        message: `Unknown tool: ${name}`,
        data: { code: 'PARAMS_INVALID' },
      });
    }
  });

  test('without a name, or by a method that nobody knows, is refused', async () => {
    const { handle } = routerOver([echo('a'), echo('b')]);
    expect((await handle(exchange('tools/call', {}))).raw.string('message')).toBe(
      'tools/call does not say what it wants: params.name is missing.',
    );
    expect(codeOf(await handle(exchange('x/y', {})))).toBe('METHOD_UNKNOWN');
  });

  test('that is alone gets everything as it came: unknown methods, names, cursors', async () => {
    const only = source('a', {
      'x/y': { fine: true },
      'tools/call': { fine: true },
      'tools/list': { tools: named('x'), nextCursor: 'c' },
    });
    const { handle, call } = routerOver([only], 'none');
    expect((await handle(exchange('x/y', {}))).value).toEqual({ fine: true });
    expect((await call('a__x')).value).toEqual({ fine: true });
    expect((await handle(exchange('tools/list', { cursor: '' }))).value).toEqual({
      tools: named('x'),
      nextCursor: 'c',
    });
    expect(only.asked().map(({ request }) => request.raw?.text)).toEqual([
      '{}',
      '{"name":"a__x","arguments":{}}',
      '{"cursor":""}',
    ]);
    expect(only.asked().every(({ leg }) => leg?.upstream === 'a')).toBe(true);
  });

  test('that a plugin renamed goes to the new target; what it only touched stays', async () => {
    const [a, b] = [echo('a'), echo('b')];
    const { router } = routerOver([a, b]);
    const x = toolCall('a__x');
    x.reroute(router.route(x));
    x.replace(x.request.with({ arguments: { changed: true } }));
    expect((await router.handle(x, () => undefined)).value).toEqual({ from: 'a', got: 'x' });
    x.replace(x.request.with({ name: 'b__y' }));
    expect((await router.handle(x, () => undefined)).value).toEqual({ from: 'b', got: 'y' });
    x.replace(x.request.with({ name: 'nobody__y' }));
    expect((await router.handle(x, () => undefined)).raw.string('message')).toBe('Unknown tool: nobody__y');
    x.replace(x.request.with({ name: 'a__z' }));
    expect((await router.handle(x, () => undefined)).value).toEqual({ from: 'a', got: 'z' });
  });

  test('for completion: by the prompt’s prefix or by the template’s owner', async () => {
    const completing = (name: string, templates: string[]) =>
      source(name, {
        'completion/complete': (x) => ({ from: name, ref: x.request.raw?.get('ref') ?? null }),
        'resources/templates/list': { resourceTemplates: templates.map((uriTemplate) => ({ uriTemplate })) },
      });
    const { handle } = routerOver([completing('a', ['a://{x}']), completing('b', ['b://{x}', 'a://{x}'])]);
    const complete = async (ref: object) =>
      (await handle(exchange('completion/complete', { ref, argument: { name: 'x', value: '' } }))).value;
    expect(await complete({ type: 'ref/prompt', name: 'b__p' })).toEqual({
      from: 'b',
      ref: { type: 'ref/prompt', name: 'p' },
    });
    expect(await complete({ type: 'ref/resource', uri: 'b://{x}' })).toEqual({
      from: 'b',
      ref: { type: 'ref/resource', uri: 'b://{x}' },
    });
    expect(await complete({ type: 'ref/resource', uri: 'a://{x}' })).toMatchObject({ from: 'a' });
    expect(await complete({ type: 'ref/resource', uri: 'b://1' })).toMatchObject({
      message: 'Unknown resource template: b://1',
    });
  });
});

describe('lists', () => {
  test('come in the order of the configuration, prefixed, every other byte as it was', async () => {
    const slow = source('slow', {
      'tools/list': () =>
        new Promise((resolve) =>
          setImmediate(
            resolve,
            '{ "tools": [ {"name":"x", "n":1.0, "big":9007199254740993} , { "name" : "y" } ], "other": 1 }',
          ),
        ),
    });
    const fast = source('fast', { 'tools/list': '{"tools":[{"title":"T","name":"slow__x"}]}' });
    const { handle } = routerOver([slow, fast]);
    expect((await handle(exchange('tools/list', {}))).raw.text).toBe(
      '{"tools":[{"name":"slow__x", "n":1.0, "big":9007199254740993},{ "name" : "slow__y" },{"title":"T","name":"fast__slow__x"}]}',
    );
  });

  test('of prompts are prefixed, those of resources are not: the first to offer a URI has it', async () => {
    const one = source('one', {
      'prompts/list': { prompts: named('p') },
      'resources/list': {
        resources: [
          { uri: 'a:1', from: 1 },
          { uri: 'a:2', from: 1 },
        ],
      },
      'resources/templates/list': { resourceTemplates: [{ uriTemplate: 'a:{x}', from: 1 }] },
    });
    const two = source('two', {
      'prompts/list': { prompts: named('p') },
      'resources/list': {
        resources: [
          { uri: 'a:2', from: 2 },
          { uri: 'a:3', from: 2 },
        ],
      },
      'resources/templates/list': { resourceTemplates: [{ uriTemplate: 'a:{x}', from: 2 }] },
    });
    const { handle } = routerOver([one, two]);
    expect((await handle(exchange('prompts/list', {}))).value).toEqual({
      prompts: named('one__p', 'two__p'),
    });
    expect((await handle(exchange('resources/list', {}))).value).toEqual({
      resources: [
        { uri: 'a:1', from: 1 },
        { uri: 'a:2', from: 1 },
        { uri: 'a:3', from: 2 },
      ],
    });
    expect((await handle(exchange('resources/templates/list', {}))).value).toEqual({
      resourceTemplates: [{ uriTemplate: 'a:{x}', from: 1 }],
    });
  });

  test('are followed to their last page, for callers with and without an envelope; an empty cursor of theirs is one', async () => {
    const cursors = ['', 'b', 'c'];
    const paged = source('a', {
      'tools/list': (x) => {
        const cursor = x.request.raw?.string('cursor');
        const page = cursor === undefined ? 0 : cursors.indexOf(cursor) + 1;
        return { tools: named(`t${page}`), ...(page < 3 ? { nextCursor: cursors[page] } : {}) };
      },
    });
    const { handle } = routerOver([paged, source('b', { 'tools/list': { tools: [] } })]);
    for (const params of [undefined, {}, { cursor: null }, { _meta: { a: 1 } }]) {
      const { value } = await handle(exchange('tools/list', params));
      expect(value).toEqual({ tools: named('a__t0', 'a__t1', 'a__t2', 'a__t3') });
    }
    expect(
      paged
        .asked()
        .slice(0, 2)
        .map(({ request }) => request.raw?.text),
    ).toEqual(['{}', '{"cursor":""}']);
  });

  test('whose cursors go round, or never end, are cut', async () => {
    const round = source('round', {
      'tools/list': (x) => ({
        tools: named('t'),
        nextCursor: x.request.raw?.string('cursor') === 'a' ? 'b' : 'a',
      }),
    });
    let n = 0;
    const endless = source('endless', { 'tools/list': () => ({ tools: [], nextCursor: String(n++) }) });
    const { handle } = routerOver([round, endless]);
    expect((await handle(exchange('tools/list', {}))).value).toEqual({ tools: named('round__t') });
    expect([round.asked().length, endless.asked().length]).toEqual([3, 1_000]);
  });

  test('leave out who fails, and one that has no such list; only when all fail is it an error', async () => {
    const fine = source('fine', { 'tools/list': { tools: named('x') } });
    const failing = source('failing', { 'tools/list': down });
    const half = source('half', {
      'tools/list': (x) => (x.request.raw?.has('cursor') ? down : { tools: named('x'), nextCursor: 'c' }),
    });
    const lacking = source('lacking');
    const list = async (...sources: TestSource[]) => routerOver(sources).handle(exchange('tools/list', {}));
    const whole = await list(failing, fine, half, lacking);
    expect(whole.value).toEqual({
      tools: named('fine__x'),
      _meta: {
        'dev.sluice/missing': [
          { upstream: 'failing', why: 'UPSTREAM_UNAVAILABLE' },
          { upstream: 'half', why: 'UPSTREAM_UNAVAILABLE' },
        ],
      },
    });
    expect((await list(lacking, failing)).value).toMatchObject({ tools: [] });
    expect((await list(lacking)).value).toEqual({ tools: [] });
    const none = await list(failing, half);
    expect([codeOf(none), none.raw.string('message')]).toEqual([
      'UPSTREAM_UNAVAILABLE',
      'No upstream could give its list of tools: failing (The upstream is not there.), half (The upstream is not there.)',
    ]);
    expect(none.value.data).toMatchObject({ upstreams: ['failing', 'half'] });
  });

  test('that are none do no harm', async () => {
    for (const result of ['{}', '{"tools":null}', '{"tools":[1,null,"x",{"name":7},{"name":"x"}]}']) {
      const { value } = await routerOver([
        source('a', { 'tools/list': result }),
        source('b', { 'tools/list': { tools: named('y') } }),
      ]).handle(exchange('tools/list', {}));
      expect((value.tools as { name: string }[]).map(({ name }) => name)).toContain('b__y');
    }
  });

  test('ask each upstream as a leg, in the caller’s name, without its progress token', async () => {
    const a = source('a', { 'tools/list': { tools: [] } });
    const { handle } = routerOver([a, source('b')]);
    const client = clientOf({ principal: 'ada' });
    await handle(exchange('tools/list', { _meta: { kept: 1 } }, { client, token: '1', logLevel: 'info' }));
    const [leg] = a.asked();
    expect(leg?.leg).toEqual({ upstream: 'a' });
    expect(leg?.principal.id).toBe('ada');
    expect(leg?.request.meta).toEqual({ logLevel: 'info' });
    expect(leg?.request.raw?.text).toBe('{"_meta":{"kept":1}}');
  });
});

test('a result passes as the upstream gave it', async () => {
  const error = McpResult.error({ code: -1, message: 'theirs' });
  const { call } = routerOver([source('a', { 'tools/call': error })]);
  expect(await call('a__x')).toBe(error);
});
