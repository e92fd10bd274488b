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
import { toolCall } from '../../fixtures/exchanges.ts';
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
    const run = pipeline(
      [watcher('a'), rename, watcher('a'), watcher('b')],
      router.handle,
      host,
      router.follow,
    );
    const x = toolCall('a__x');
    x.reroute(await router.route(x));
    expect((await run(x, () => undefined)).value).toEqual({ from: 'b' });
    expect(seen).toEqual(['a', 'b']);
  });

  test('follows a plugin that asks for something else altogether', async () => {
    const { router, host } = routerOver([source('a'), source('b')]);
    const x = toolCall('a__x');
    x.reroute(await router.route(x));
    const applied: boolean[] = [];
    const list = { onRequest: () => new McpRequest('tools/list', undefined) };
    const steps = [
      { id: 'list', hooks: list, applies: () => true },
      { id: 'seen', hooks: {}, applies: (y: Exchange) => applied.push(matcher({ upstreams: ['b'] })(y)) > 0 },
    ].map((each) => ({ ...each, mode: 'enforce', onError: 'refuse', timeout: 1_000 }) as const);
    const result = await pipeline(steps, router.handle, host, router.follow)(x, () => undefined);
    expect([result.value, applied]).toEqual([{ tools: [] }, [true]]);
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
