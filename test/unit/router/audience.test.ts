// Whom a list is for: what is joined, and what stands in for what cannot be had, is never that of another caller.
import { describe, expect, test } from 'bun:test';
import { principalFact } from '../../../src/core/exchange.ts';
import type { McpResult } from '../../../src/protocol/message.ts';
import { anywhere, audienceAt, audienceOf } from '../../../src/router/audience.ts';
import { clientOf, type ExchangeOptions, exchange } from '../../fixtures/exchanges.ts';
import { down, routerOver, source } from './sources.ts';

const bearer = (token: string): ExchangeOptions => ({ headers: { authorization: `Bearer ${token}` } });

/** Two upstreams, one of which lists a tool that is called as its caller says, until the test has it fail. */
function start(nameOf: (x: ReturnType<typeof exchange>) => string | null | undefined) {
  const state = { isAway: false };
  const telling = source('a', {
    'tools/list': async (x) => (state.isAway ? down : { tools: [{ name: `${nameOf(x)}` }] }),
  });
  const run = routerOver([telling, source('b', { 'tools/list': { tools: [] } })]);
  const list = (options: ExchangeOptions, groups?: readonly string[]): Promise<McpResult> => {
    const x = exchange('tools/list', {}, options);
    if (groups) x.set(principalFact, { id: 'u', scopes: [], groups });
    return run.handle(x);
  };
  return { state, list };
}

const names = (result: McpResult) => (result.value.tools as unknown as { name: string }[]).map((t) => t.name);

test('two credentials of which nobody has said whose they are do not share an answer', async () => {
  const { list, state } = start((x) => x.inbound.headers.get('authorization')?.slice(-1));
  const both = await Promise.all([list(bearer('p')), list(bearer('q'))]);
  expect(both.map(names)).toEqual([['a__p'], ['a__q']]);
  state.isAway = true;
  expect(names(await list(bearer('q')))).toEqual(['a__q']);
  expect(names(await list(bearer('r')))).toEqual([]);
});

test('neither do other groups of one principal', async () => {
  const { list } = start((x) => x.principal.groups?.join('-'));
  const all = await Promise.all([
    list({}, ['x']),
    list({}, ['y']),
    list({}, ['y', 'x']),
    list({}, ['x', 'y']),
  ]);
  expect(all.map(names)).toEqual([['a__x'], ['a__y'], ['a__y-x'], ['a__y-x']]);
});

test('a principal is given what is known of it under another credential, of a session under any', () => {
  const by = (token: string, session?: string) =>
    audienceOf(
      exchange(
        'tools/list',
        {},
        { client: clientOf({ principal: 'u', ...(session ? { session } : {}) }), ...bearer(token) },
      ),
    );
  expect(by('p').common).toBe(by('q').common);
  expect(by('p').own).not.toBe(by('q').own);
  expect(by('p', 's')).toEqual(by('q', 's'));
  expect(by('p', 's').own).not.toBe(by('p', 't').own);
});

describe('where a plugin adds to what is sent', () => {
  const by = (key: string): ExchangeOptions => ({ headers: { 'x-key': key } });
  const tell = (senders: Parameters<typeof audienceAt>[0]['senders']) => {
    const telling = source('a', {
      'tools/list': async (x) => ({ tools: [{ name: `of-${x.inbound.headers.get('x-key')}` }] }),
    });
    const run = routerOver([{ ...telling, senders }, source('b', { 'tools/list': { tools: [] } })]);
    return Promise.all(
      ['p', 'q', 'p'].map(async (key) => names(await run.handle(exchange('tools/list', {}, by(key))))),
    );
  };

  test('two callers with different headers do not share an answer', async () => {
    expect(await tell([{}])).toEqual([['a__of-p'], ['a__of-q'], ['a__of-p']]);
    expect(await tell([{ passesOn: ['x-key'] }])).toEqual([['a__of-p'], ['a__of-q'], ['a__of-p']]);
  });

  test('they do where it says that it passes on none of them', async () => {
    expect(await tell([{ passesOn: [] }])).toEqual([['a__of-p'], ['a__of-p'], ['a__of-p']]);
    expect(await tell([{ passesOn: ['x-other'] }])).toEqual([['a__of-p'], ['a__of-p'], ['a__of-p']]);
  });

  test('it is one audience everywhere else, so that who listens hears of changes', () => {
    const senders = [{ passesOn: ['x-key'] }];
    const at = (options: ExchangeOptions) => audienceAt({ senders }, exchange('tools/list', {}, options));
    const bare = audienceOf(exchange('tools/list', {}, {}));
    expect(at(by('p')).own).not.toBe(at(by('q')).own);
    expect(at(by('p')).common).not.toBe(at(by('q')).common);
    expect([at(by('p')), at(by('q'))].map(({ own }) => anywhere(own))).toEqual([bare.own, bare.own]);
    expect(at({})).toEqual(bare);
  });
});
