// The `when` of a pipeline entry.
import { describe, expect, test } from 'bun:test';
import { ANONYMOUS, NO_CAPABILITIES } from '../../../src/core/client.ts';
import { errorResult } from '../../../src/core/errors.ts';
import { Exchange } from '../../../src/core/exchange.ts';
import { pipeline } from '../../../src/core/pipeline.ts';
import type { Hooks } from '../../../src/core/plugin.ts';
import type { Route } from '../../../src/core/route.ts';
import type { Step } from '../../../src/core/step.ts';
import { matcher } from '../../../src/gateway/match.ts';
import { McpRequest } from '../../../src/protocol/message.ts';
import { exchange as exchangeOf, toolCall } from '../../fixtures/exchanges.ts';
import { routerOver, source } from '../router/sources.ts';

function exchange(method: string, route: Route): Exchange {
  return new Exchange({
    id: '1',
    client: {
      era: '2026',
      version: '',
      transport: 'http',
      info: undefined,
      capabilities: NO_CAPABILITIES,
      principal: ANONYMOUS,
    },
    inbound: { listener: 't', endpoint: '/mcp', headers: new Headers() },
    request: new McpRequest(method, undefined),
    route,
    signal: new AbortController().signal,
    now: 0,
  });
}
const one: Route = { kind: 'one', upstream: 'github', name: 'search', asked: 'github__search' };

describe('when', () => {
  test('absent means always', () => expect(matcher(undefined)(exchange('x', { kind: 'local' }))).toBe(true));

  test('asks for all of what it names', () => {
    const when = { methods: ['tools/*'], upstreams: ['git*'], names: ['github__*'] };
    expect(matcher(when)(exchange('tools/call', one))).toBe(true);
    expect(matcher(when)(exchange('prompts/get', one))).toBe(false);
    expect(matcher(when)(exchange('tools/call', { ...one, upstream: 'jira' }))).toBe(false);
    expect(matcher(when)(exchange('tools/call', { ...one, asked: 'other' }))).toBe(false);
  });

  test('sees the name that a plugin above gave the call, whatever the route still says', () => {
    const x = exchange('tools/call', one);
    x.replace(x.request.with({ name: 'fail' }));
    expect(matcher({ names: ['fail'] })(x)).toBe(true);
    expect(matcher({ names: ['github__*'] })(x)).toBe(false);
  });

  test('sees the upstream that a plugin above gave the call to, and not the one it had before', async () => {
    const { router, host } = routerOver([source('a'), source('b', { 'tools/call': { from: 'b' } })]);
    const seen: string[] = [];
    const step = (id: string, applies: Step['applies'], hooks: Hooks): Step => {
      return { id, hooks, applies, mode: 'enforce', onError: 'refuse', timeout: 1_000 };
    };
    const watcher = (upstream: string) =>
      step(upstream, matcher({ upstreams: [upstream] }), { onRequest: () => void seen.push(upstream) });
    const rename = step('rename', () => true, { onRequest: (request) => request.with({ name: 'b__x' }) });
    const run = pipeline([watcher('a'), rename, watcher('a'), watcher('b')], router.handle, host, router);
    const x = toolCall('a__x');
    x.reroute(router.route(x));
    expect((await run(x, () => undefined)).value).toEqual({ from: 'b' });
    expect(seen).toEqual(['a', 'b']);
  });

  test('follows a plugin that asks for something else altogether', async () => {
    const { router, host } = routerOver([source('a'), source('b')]);
    const x = toolCall('a__x');
    x.reroute(router.route(x));
    const applied: boolean[] = [];
    const list = { onRequest: () => new McpRequest('tools/list', undefined) };
    const steps = [
      { id: 'list', hooks: list, applies: () => true },
      {
        id: 'seen',
        hooks: {},
        applies: (y: Exchange) => applied.push(matcher({ upstreams: ['b'] })(y) === true) > 0,
      },
    ].map((each) => ({ ...each, mode: 'enforce', onError: 'refuse', timeout: 1_000 }) as const);
    const result = await pipeline(steps, router.handle, host, router)(x, () => undefined);
    expect([result.value, applied]).toEqual([{ tools: [] }, [true]]);
  });

  test('cannot tell of an undecided route, unless all or none of the upstreams are meant', () => {
    const undecided: Route = { kind: 'undecided', upstreams: ['a', 'b'], asked: 'x' };
    const x = exchange('resources/read', undecided);
    x.replace(x.request.with({ uri: 'x' }));
    const verdicts = [['a'], ['*'], ['c']].map((upstreams) => matcher({ upstreams })(x));
    expect(verdicts).toEqual([undefined, true, false]);
    expect(matcher({ names: ['x'] })(x)).toBe(true);
    expect(matcher({ names: ['y'], upstreams: ['a'] })(x)).toBe(false);
    expect(matcher({ methods: ['tools/*'], upstreams: ['a'] })(x)).toBe(false);
    expect(matcher({ upstreams: ['a'] })(x.fork('b', x.request))).toBe(false);
  });

  test('has upstreams asked where it needs them, when those above have let the exchange pass', async () => {
    const uris = (uri: string) => ({ resources: [{ uri, name: uri }] });
    const sources = [
      source('a', { 'resources/list': uris('x:a') }),
      source('b', { 'resources/list': uris('x:b'), 'resources/read': { from: 'b' } }),
    ];
    const { router, host } = routerOver(sources);
    const seen: string[] = [];
    const step = (id: string, applies: Step['applies'], hooks: Hooks): Step => {
      return { id, hooks, applies, mode: 'enforce', onError: 'refuse', timeout: 1_000 };
    };
    const gate = step('gate', () => true, {
      onRequest: (_, { inbound }) => (inbound.headers.has('x-word') ? undefined : errorResult('FORBIDDEN')),
    });
    const watcher = (upstream: string) =>
      step(upstream, matcher({ upstreams: [upstream] }), { onRequest: () => void seen.push(upstream) });
    const run = pipeline([gate, watcher('a'), watcher('b')], router.handle, host, router);
    const read = async (uri: string, headers: Record<string, string>) => {
      const x = exchangeOf('resources/read', { uri }, { headers });
      x.reroute(router.route(x));
      expect(x.route).toEqual({ kind: 'undecided', upstreams: ['a', 'b'], asked: uri });
      return run(x, () => undefined);
    };
    expect((await read('x:b', {})).raw.object('data')?.string('code')).toBe('FORBIDDEN');
    expect([seen, sources.flatMap(({ asked }) => asked())]).toEqual([[], []]);
    expect((await read('x:b', { 'x-word': 'friend' })).value).toEqual({ from: 'b' });
    expect(seen).toEqual(['b']);
  });

  test('knows the target of a call that leads nowhere, and none where there is none', () => {
    const named = matcher({ names: ['x*'] });
    expect(
      named(exchange('tools/call', { kind: 'none', asked: 'xy', refusal: errorResult('PARAMS_INVALID') })),
    ).toBe(true);
    expect(named(exchange('tools/list', { kind: 'all', upstreams: ['x'] }))).toBe(false);
  });

  test('sees in a list all upstreams it goes to', () => {
    const from = matcher({ upstreams: ['b'] });
    expect(from(exchange('tools/list', { kind: 'all', upstreams: ['a', 'b'] }))).toBe(true);
    expect(from(exchange('tools/list', { kind: 'all', upstreams: ['a'] }))).toBe(false);
  });

  test("speaks of a leg by the upstream's own names", () => {
    const leg = exchange('tools/call', one).fork('github', new McpRequest('tools/call', undefined));
    expect(matcher({ names: ['search'], upstreams: ['github'] })(leg)).toBe(true);
    expect(matcher({ names: ['github__search'] })(leg)).toBe(false);
  });

  test('remembers no more methods than clients should be able to fill it with', () => {
    const all = matcher({ methods: ['a*'] });
    for (let i = 0; i < 1_000; i++) expect(all(exchange(`b${i}`, { kind: 'local' }))).toBe(false);
    expect(all(exchange('a', { kind: 'local' }))).toBe(true);
  });
});
