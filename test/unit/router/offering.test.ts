// What an endpoint offers of its upstreams' lists.
import { describe, expect, test } from 'bun:test';
import { PREFIX } from '../../../src/lib/name-template.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { createOffering, type OfferingOptions, type OfferKind } from '../../../src/router/offering.ts';
import { shortName } from '../../../src/router/short-name.ts';
import { exchange, testHost } from '../../fixtures/exchanges.ts';

const x = exchange('tools/list', {});
const part = (upstream: string, ...items: (string | object)[]) => ({
  upstream,
  items: items.map((item) =>
    RawObject.of(typeof item === 'string' ? { name: item, uri: item } : { ...item }),
  ),
});

function offering(options: Partial<OfferingOptions>) {
  const host = testHost();
  const made = createOffering({ path: '/mcp', upstreams: ['a', 'b', 'c'], ...options }, host);
  const offered = (kind: OfferKind, ...parts: ReturnType<typeof part>[]) => made.offered(kind, parts, x);
  const told = () => host.lines.map(({ level, message }) => `${level}: ${message}`);
  return {
    host,
    made,
    offered,
    told,
    names: (...parts: ReturnType<typeof part>[]) => offered('tools', ...parts).map(({ name }) => name),
  };
}

describe('two of one name', () => {
  const parts = [part('a', 'x', 'y'), part('b', 'x', 'z'), part('c', 'x')];

  test('are the first one’s, and the others are told of once', () => {
    const { names, told, offered } = offering({});
    expect(names(...parts)).toEqual(['x', 'y', 'z']);
    expect(offered('tools', ...parts)[0]).toMatchObject({ upstream: 'a', own: 'x' });
    expect(told()).toEqual(['warn: two are called x: that of a is offered']);
  });

  test('are nobody’s where that is the policy, and that is an error', () => {
    const { names, told, made } = offering({ collisions: 'refuse' });
    expect(names(...parts)).toEqual(['y', 'z']);
    expect(names(part('b', 'x'))).toEqual(['x']);
    expect(told()).toEqual(['error: two are called x: neither is offered']);
    expect(made.remarks()).toEqual(['two are called x: neither is offered']);
  });

  test('are told apart where that is the policy', () => {
    const { offered, told } = offering({ collisions: 'prefix' });
    const all = offered('tools', ...parts);
    expect(all.map(({ name, upstream, own }) => [name, upstream, own])).toEqual([
      ['x', 'a', 'x'],
      ['y', 'a', 'y'],
      ['b__x', 'b', 'x'],
      ['z', 'b', 'z'],
      ['c__x', 'c', 'x'],
    ]);
    expect(all[2]?.item.string('name')).toBe('b__x');
    expect(told()).toContain('warn: two are called x: that of b is offered as b__x');
  });

  test('stay one where the other name is taken, too', () => {
    const { names } = offering({ collisions: 'prefix' });
    expect(names(part('a', 'x', 'b__x'), part('b', 'x'))).toEqual(['x', 'b__x']);
  });

  test('of one upstream are one, and nobody’s business', () => {
    const { names, told } = offering({ collisions: 'refuse' });
    expect(names(part('a', 'x', 'x'))).toEqual(['x']);
    expect(told()).toEqual([]);
  });

  test('are noticed where their names only become one: by a template, or by a short form', () => {
    const { names, told } = offering({ upstreams: ['a', 'a_'], template: PREFIX });
    expect(names(part('a', '_x'), part('a_', 'x'))).toEqual(['a___x']);
    expect(told()).toEqual(['warn: two are called a___x: that of a is offered']);
    const short = shortName('a__x.y');
    const other = offering({ template: PREFIX, shortNames: true, collisions: 'refuse' });
    expect(other.names(part('a', 'x.y', short.slice('a__'.length), 'z'))).toEqual(['a__z']);
  });

  test('that are resources are the first one’s, whatever the policy', () => {
    const { offered } = offering({ collisions: 'refuse' });
    expect(
      offered('resources', part('a', 'u:1'), part('b', 'u:1', 'u:2')).map(({ name, upstream }) => [
        name,
        upstream,
      ]),
    ).toEqual([
      ['u:1', 'a'],
      ['u:2', 'b'],
    ]);
  });
});

describe('overrides', () => {
  const search = {
    name: 'search',
    description: 'old',
    inputSchema: { type: 'object', properties: { repo: {}, q: {} } },
  };
  const overrides = {
    search: { name: 'find', description: 'new', arguments: { repo: 'a' } },
    gone: { title: 'T' },
  };

  test('change a tool, its name before any prefix', () => {
    const { offered, told } = offering({ template: PREFIX, offers: new Map([['a', { overrides }]]) });
    const [first] = offered('tools', part('a', search, 'find'), part('b', search));
    expect(first?.item.value).toEqual({
      name: 'a__find',
      description: 'new',
      inputSchema: { type: 'object', properties: { q: {} } },
    });
    expect(first).toMatchObject({ own: 'search', full: 'a__find' });
    expect(told()).toEqual([
      'warn: the tool find of a is not offered: its name is given to another',
      'warn: overrides: a has no tool gone',
    ]);
  });

  test('leave other upstreams and prompts alone', () => {
    const { offered } = offering({ offers: new Map([['a', { overrides }]]) });
    expect(offered('prompts', part('a', search))[0]?.item.value).toEqual(search);
    expect(offered('tools', part('b', search))[0]?.item.value).toEqual(search);
  });

  test('of arguments that are not there are told', () => {
    const { offered, told } = offering({
      offers: new Map([['a', { overrides: { search: { arguments: { rep: 1 } } } }]]),
    });
    offered('tools', part('a', search));
    expect(told()).toEqual(['warn: overrides: the tool search of a has no argument rep']);
  });
});

describe('a budget', () => {
  test('leaves the first ones, and more is an error', async () => {
    const { names, told, host } = offering({ maxTools: 2, template: PREFIX });
    expect(names(part('a', 'x'), part('b', 'y', 'z'))).toEqual(['a__x', 'b__y']);
    expect(names(part('a', 'x'), part('b', 'y'))).toEqual(['a__x', 'b__y']);
    expect(told()).toEqual(['error: more tools than max_tools: the first 2 are offered']);
    expect(await host.figure('limitHits', { limit: 'max_tools' })).toBe(1);
  });

  test('is for tools, and counts what is left by the rules', () => {
    const { names, offered } = offering({ maxTools: 1, tools: { deny: ['x'] } });
    expect(names(part('a', 'x', 'y'))).toEqual(['y']);
    expect(offered('prompts', part('a', 'x', 'y'))).toHaveLength(2);
  });
});

describe('rules', () => {
  test('of an endpoint judge the whole name, however long', () => {
    const long = `delete_${'x'.repeat(60)}_everything`;
    const { names } = offering({ template: PREFIX, shortNames: true, tools: { deny: ['*_everything'] } });
    expect(names(part('a', long, 'keep'))).toEqual(['a__keep']);
  });

  test('of an upstream judge its own names', () => {
    const { names } = offering({ template: PREFIX, offers: new Map([['a', { tools: { deny: ['x'] } }]]) });
    expect(names(part('a', 'x', 'y'), part('b', 'x'))).toEqual(['a__y', 'b__x']);
  });
});

describe('what is cheap', () => {
  const one = (options: Partial<OfferingOptions>) => createOffering({ upstreams: ['a'], ...options });

  test('is one upstream as it is; every option takes a look at its lists', () => {
    expect(one({}).transparent).toBe(true);
    expect(one({ offers: new Map([['b', { tools: { deny: ['x'] } }]]) }).transparent).toBe(true);
    const options: Partial<OfferingOptions>[] = [
      { template: PREFIX },
      { shortNames: true },
      { aliases: [{ name: 'x', upstream: 'a', own: 'y' }] },
      { maxTools: 1 },
      { views: [{}] },
      { tools: { deny: ['x'] } },
      { prompts: { deny: ['x'] } },
      { resources: { deny: ['x'] } },
      { offers: new Map([['a', { tools: { deny: ['x'] } }]]) },
      { offers: new Map([['a', { overrides: { x: {} } }]]) },
    ];
    for (const each of options) expect([each, one(each).transparent]).toEqual([each, false]);
  });

  test('is a name that says where it leads, where nothing is hidden', () => {
    const { made } = offering({ template: PREFIX, shortNames: true });
    expect(made.way('tools', 'a__x')).toEqual({ upstream: 'a', own: 'x' });
    expect(made.way('tools', 'd__x')).toBe('nowhere');
    expect(made.way('tools', 'a__x_deadbeef')).toBeUndefined();
    expect([made.hides('tools', x), made.hides('prompts', x)]).toEqual([false, false]);
  });

  test('is the same list again', () => {
    const { offered } = offering({ template: PREFIX });
    const same = part('a', 'x');
    expect(offered('tools', same)[0]).toBe(offered('tools', same)[0] as never);
  });
});

test('options have an identity', () => {
  const ids = [
    {},
    { tools: { deny: ['x'] } },
    { offers: new Map([['a', { tools: { deny: ['x'] } }]]) },
    {},
  ].map((options) => offering(options).made.id);
  expect(new Set(ids).size).toBe(3);
  expect(ids[0]).toBe(ids[3] as string);
});

describe('reasons', () => {
  const { made } = offering({
    template: PREFIX,
    shortNames: true,
    tools: { deny: ['b__*'] },
    views: [{ for: { groups: ['ops'], scopes: ['x'] } }, { tools: { allow: ['a__get_*'] } }],
    offers: new Map([
      [
        'a',
        { tools: { deny: ['delete'] }, overrides: { get_x: { arguments: { repo: 1 } }, y: { name: 'z' } } },
      ],
    ]),
  });
  test.each([
    [
      'a__get_x',
      ['seen by groups ops and scopes x; everybody else', 'arguments set by upstreams.a.overrides: repo'],
    ],
    ['a__delete', ['hidden by upstreams.a.tools', 'seen by groups ops and scopes x']],
    ['b__x', ['hidden by endpoints./mcp.tools', 'seen by groups ops and scopes x']],
    ['a__y', ['y of a is called a__z here']],
    ['d__x', []],
    ['z_deadbeef', ['it may be the short form of a longer name: only a list tells']],
  ])('for %p: %j', (name, reasons) => {
    expect(made.reasons('tools', name)).toEqual(reasons);
  });

  test('for a URI and for a name of several', () => {
    const other = offering({ resources: { deny: ['file:*'] } }).made;
    expect(other.reasons('resources', 'file:///a')).toEqual(['hidden by endpoints./mcp.resources']);
    expect(other.reasons('tools', 'x')).toEqual([
      'if more than one upstream lists it, it is the first one’s (collisions: first)',
    ]);
  });
});

test('rules of an upstream whose URIs are wrapped, and plugins, know its own', () => {
  const wrapper = 'sluice+a:';
  const { made } = offering({
    offers: new Map([['a', { wrapper, resources: { deny: ['file:///secret/*'] } }]]),
  });
  const uris = (kind: OfferKind, member: string, all: readonly string[]) => {
    const items = all.map((uri) => RawObject.of({ [member]: wrapper + uri }));
    return made.offered(kind, [{ upstream: 'a', items }], exchange('x', {})).map(({ name }) => name);
  };
  const all = ['file:///a', 'file:///secret/s', 'file:///x/../secret/s'];
  expect(uris('resources', 'uri', all)).toEqual(['sluice+a:file:///a']);
  expect(uris('resourceTemplates', 'uriTemplate', all)).toEqual(['sluice+a:file:///a']);
  const x = exchange('x', {});
  const sees = (uri: string): boolean =>
    made.sees('resources', { upstream: 'a', own: wrapper + uri, name: wrapper + uri }, x);
  expect(all.map(sees)).toEqual([true, false, false]);
  const things: unknown[] = [];
  x.narrow(({ name, own }) => things.push([name, own]) > 0);
  expect(sees('file:///a')).toBe(true);
  expect(things).toEqual([['sluice+a:file:///a', 'file:///a']]);
});
