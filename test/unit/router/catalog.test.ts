// Who offers a resource, a template or a tool without prefix: found in the upstreams' own lists, and remembered.
import { describe, expect, test } from 'bun:test';
import { type Exchange, principalFact } from '../../../src/core/exchange.ts';
import { clientOf, exchange, nobody, toolCall } from '../../fixtures/exchanges.ts';
import { down, routerOver, source, type TestSource } from './sources.ts';

const named = (...names: string[]) => names.map((name) => ({ name }));
const uris = (...all: string[]) => all.map((uri) => ({ uri, name: uri }));

describe('resources', () => {
  const offering = (name: string, list: string[], templates: string[] = []) =>
    source(name, {
      'resources/list': { resources: uris(...list) },
      'resources/templates/list': { resourceTemplates: templates.map((uriTemplate) => ({ uriTemplate })) },
      'resources/read': { from: name },
    });
  const reader = (...sources: TestSource[]) => {
    const { handle, host } = routerOver(sources);
    const read = async (uri: string, principal?: string) => {
      const result = await handle(
        exchange(
          'resources/read',
          { uri },
          { client: clientOf(principal === undefined ? {} : { principal }) },
        ),
      );
      return result.value.from ?? result.raw.string('message');
    };
    return { read, host };
  };

  test('are read where they are listed, else where a template fits; the first configured wins', async () => {
    const { read } = reader(
      offering('a', ['x:1'], ['t:{x}']),
      offering('b', ['x:1', 'x:2', 't:listed'], ['t:{x}', 'u:{x}/b']),
    );
    expect([
      await read('x:1'),
      await read('x:2'),
      await read('t:listed'),
      await read('t:other'),
      await read('u:1/b'),
    ]).toEqual(['a', 'b', 'b', 'a', 'b']);
    expect(await read('u:1/c')).toBe('Unknown resource: u:1/c');
  });

  test('are looked up once for a while; a miss looks again, once a second', async () => {
    const a = offering('a', ['x:1']);
    const { read, host } = reader(a, offering('b', []));
    for (let i = 0; i < 5; i++) await read('x:1');
    expect(a.asked('resources/list').length).toBe(1);
    await read('x:9');
    await read('x:9');
    expect(a.asked('resources/list').length).toBe(1);
    host.turn(1_000);
    await read('x:9');
    await read('x:9');
    expect(a.asked('resources/list').length).toBe(2);
    host.turn(60_000);
    await Promise.all([read('x:1'), read('x:1'), read('x:1')]);
    expect(a.asked('resources/list').length).toBe(3);
  });

  test('that appear are found', async () => {
    const list: { uri: string }[] = [];
    const { read, host } = reader(
      offering('a', []),
      source('b', { 'resources/list': () => ({ resources: list }), 'resources/read': { from: 'b' } }),
    );
    expect(await read('new:1')).toBe('Unknown resource: new:1');
    list.push({ uri: 'new:1' });
    host.turn(1_000);
    expect(await read('new:1')).toBe('b');
  });

  test('of an upstream that fails for now stay its own; one that was never there offers none', async () => {
    let broken = false;
    const a = source('a', {
      'resources/list': () => (broken ? down : { resources: uris('x:1') }),
      'resources/read': () => (broken ? down : { from: 'a' }),
    });
    const { read, host } = reader(a, offering('b', ['x:1', 'x:2']));
    expect(await read('x:1')).toBe('a');
    broken = true;
    host.turn(120_000);
    expect([await read('x:1'), await read('x:2')]).toEqual(['The upstream is not there.', 'b']);
    broken = false;
    expect(await read('x:1')).toBe('a');
    const never = reader(source('a', { 'resources/list': down }), offering('b', ['x:1']));
    expect(await never.read('x:1')).toBe('b');
  });

  test('are looked up for each caller: what one is shown says nothing of another', async () => {
    const shown = (x: { principal: { id: string } }) => ({
      resources: x.principal.id === 'ada' ? uris('secret:1') : [],
    });
    const { read } = reader(
      source('a', { 'resources/list': shown, 'resources/read': { from: 'a' } }),
      offering('b', []),
    );
    expect([await read('secret:1', 'ada'), await read('secret:1', 'eve'), await read('secret:1')]).toEqual([
      'a',
      'Unknown resource: secret:1',
      'Unknown resource: secret:1',
    ]);
  });

  test('beyond the first page are found by callers without an envelope, too', async () => {
    const paged = source('b', {
      'resources/list': (x) =>
        x.request.raw?.has('cursor')
          ? { resources: uris('p:2') }
          : { resources: uris('p:1'), nextCursor: 'two' },
      'resources/read': { from: 'b' },
    });
    expect(await reader(offering('a', []), paged).read('p:2')).toBe('b');
  });
});

test('tools without prefixes belong to whoever lists them first', async () => {
  const offering = (name: string, ...tools: string[]) =>
    source(name, { 'tools/list': { tools: named(...tools) }, 'tools/call': { from: name } });
  const { call, handle } = routerOver([offering('a', 'x'), offering('b', 'x', 'y')], 'none');
  expect([(await call('x')).value, (await call('y')).value]).toEqual([{ from: 'a' }, { from: 'b' }]);
  expect((await call('z')).raw.string('message')).toBe('Unknown tool: z');
  expect((await handle(exchange('tools/list', {}))).value).toEqual({ tools: named('x', 'y') });
});

test('what is offered to a caller whom only a plugin makes known is found', async () => {
  const offer = (x: Exchange) => ({ tools: x.principal.id === 'ada' ? named('own') : [] });
  const a = source('a', { 'tools/list': { tools: [] } });
  const b = source('b', { 'tools/list': offer, 'tools/call': { from: 'b' } });
  const { router } = routerOver([a, b], 'none');
  const call = async (principal?: string) => {
    const x = toolCall('own');
    x.reroute(router.route(x));
    if (principal !== undefined) x.set(principalFact, { id: principal, scopes: [] });
    const result = await router.handle(x, nobody);
    return result.value.from ?? result.raw.string('message');
  };
  expect([await call(), await call('ada'), await call('bob')]).toEqual([
    'Unknown tool: own',
    'b',
    'Unknown tool: own',
  ]);
});
