// What is listed can be used, and nothing else: every caller, kind and name, under every way to hide things. What is
// hidden is answered like what is unknown, by the byte.
import { describe, expect, test } from 'bun:test';
import type { Principal } from '../../../src/core/client.ts';
import { type Exchange, principalFact, type Thing } from '../../../src/core/exchange.ts';
import { nameTemplate, PREFIX } from '../../../src/lib/name-template.ts';
import type { McpResult } from '../../../src/protocol/message.ts';
import type { OfferingOptions, OfferKind } from '../../../src/router/offering.ts';
import { exchange, nobody } from '../../fixtures/exchanges.ts';
import { routerOver, source } from './sources.ts';

const TOOLS = ['get_a', 'delete_a', 'a.b', 'search', `long_${'x'.repeat(60)}`];
const PROMPTS = ['review', 'secret_review', 'p.q'];
const RESOURCES = ['file:///docs/a', 'file:///secret/a', 'demo://x'];
const TEMPLATES = ['file:///docs/{name}', 'tpl://secret/{name}'];

const serving = (name: string) =>
  source(name, {
    'tools/list': { tools: TOOLS.map((tool) => ({ name: tool, inputSchema: { type: 'object' } })) },
    'prompts/list': { prompts: PROMPTS.map((prompt) => ({ name: prompt })) },
    'resources/list': { resources: RESOURCES.map((uri) => ({ uri: uri.replace('demo', name), name: 'r' })) },
    'resources/templates/list': {
      resourceTemplates: TEMPLATES.map((uriTemplate) => ({ uriTemplate, name: 't' })),
    },
    'tools/call': (x) => ({ used: x.request.raw?.string('name') ?? '' }),
    'prompts/get': (x) => ({ used: x.request.raw?.string('name') ?? '' }),
    'resources/read': (x) => ({ used: x.request.raw?.string('uri') ?? '' }),
    'completion/complete': (x) => ({ used: x.request.raw?.object('ref')?.text ?? '' }),
  });

const ann: Principal = { id: 'ann@acme.com', scopes: ['read'], groups: ['ops'] };
const bob: Principal = { id: 'bob@acme.com', tenant: 'acme', scopes: ['read', 'write'] };
const eve: Principal = { id: 'eve', scopes: [] };

const views = [
  { for: { groups: ['ops'] }, tools: { deny: ['*delete*'] }, resources: { deny: ['*/secret/*'] } },
  { for: { scopes: ['write'] }, tools: { allow: ['*get_*', '*a.b'] }, prompts: { deny: ['*'] } },
];
const hidesWrites = (x: Exchange): void =>
  x.narrow(({ kind, own, upstream }: Thing) => kind !== 'tool' || upstream !== 'b' || own.startsWith('get_'));
const hidesAll = (x: Exchange): void => x.narrow(() => false);
const breaks = (x: Exchange): void =>
  x.narrow(() => {
    throw new Error('broken');
  });

const OPTIONS: [string, Partial<OfferingOptions>][] = [
  ['nothing', { template: PREFIX, shortNames: true }],
  [
    'rules of the endpoint',
    {
      template: PREFIX,
      shortNames: true,
      tools: { deny: ['*delete*'] },
      prompts: { allow: ['a__*'] },
      resources: { allow: ['file:///docs/*'] },
    },
  ],
  [
    'rules of an upstream',
    {
      template: PREFIX,
      offers: new Map([['a', { tools: { allow: ['get_*'] }, resources: { deny: ['file:///*'] } }]]),
    },
  ],
  ['a budget', { template: PREFIX, shortNames: true, maxTools: 3 }],
  ['names left alone', { tools: { deny: ['*delete*'] } }],
  ['two of one name refused', { collisions: 'refuse' }],
  ['two of one name told apart', { collisions: 'prefix', shortNames: true, tools: { deny: ['*delete*'] } }],
  ['views', { template: PREFIX, shortNames: true, views }],
  [
    'views and a budget over another template',
    { template: nameTemplate('{tool}_{upstream}'), shortNames: true, views, maxTools: 4 },
  ],
  [
    'aliases and new names',
    {
      template: PREFIX,
      shortNames: true,
      aliases: [{ name: 'find', upstream: 'a', own: 'search' }],
      offers: new Map([['b', { overrides: { get_a: { name: 'fetch' } } }]]),
      tools: { deny: ['b__get_a', 'b__delete*'] },
    },
  ],
];
const NARROWED: [string, ((x: Exchange) => void) | undefined][] = [
  ['as it is', undefined],
  ['narrowed', hidesWrites],
  ['narrowed to nothing', hidesAll],
  ['narrowed by what breaks', breaks],
];
const CALLERS: [string, Principal | undefined][] = [
  ['nobody', undefined],
  ['ann', ann],
  ['bob', bob],
  ['eve', eve],
];

/** Every name that any of it could ever have. */
function names(own: readonly string[], listed: readonly string[]): string[] {
  const made = ['a', 'b'].flatMap((upstream) =>
    own.flatMap((name) => [`${upstream}__${name}`, `${name}_${upstream}`]),
  );
  return [...new Set([...listed, ...own, ...made, 'find', 'b__fetch', 'nobody'])];
}

/** The answer with the name that was asked for taken out. */
const withoutName = ({ raw }: McpResult, name: string): string =>
  raw.text.replaceAll(JSON.stringify(name).slice(1, -1), 'NAME');

for (const [what, options] of OPTIONS)
  for (const [who, principal] of CALLERS)
    for (const [how, narrow] of NARROWED)
      test(`${what}, for ${who}, ${how}: what is listed can be used, and nothing else`, async () => {
        const { router, offering } = routerOver([serving('a'), serving('b')], options);
        const ask = async (method: string, params: object): Promise<McpResult> => {
          const x = exchange(method, params);
          x.reroute(router.route(x));
          if (principal) x.set(principalFact, principal);
          narrow?.(x);
          return router.handle(x, nobody);
        };
        const listed = async (method: string, items: string, name: string): Promise<string[]> => {
          const all = (await ask(method, {})).value[items] as Record<string, string>[];
          return all.map((item) => item[name] ?? '');
        };
        const agrees = async (
          there: readonly string[],
          all: readonly string[],
          use: (name: string) => Promise<McpResult>,
        ) => {
          const unknown = withoutName(await use('no such'), 'no such');
          for (const name of all) {
            const result = await use(name);
            if (there.includes(name)) expect([name, result.kind]).toEqual([name, 'complete']);
            else expect(withoutName(result, name)).toBe(unknown);
          }
        };
        // Where nothing of a kind can be hidden a name alone leads to its upstream, listed or not.
        const isStrict = (kind: OfferKind): boolean => {
          const x = exchange('tools/list', {});
          narrow?.(x);
          return offering.hides(kind, x);
        };
        const tools = await listed('tools/list', 'tools', 'name');
        expect(new Set(tools).size).toBe(tools.length);
        const toolNames = isStrict('tools') ? names(TOOLS, tools) : tools;
        await agrees(tools, toolNames, (name) => ask('tools/call', { name, arguments: {} }));
        const prompts = await listed('prompts/list', 'prompts', 'name');
        const promptNames = isStrict('prompts') ? names(PROMPTS, prompts) : prompts;
        await agrees(prompts, promptNames, (name) => ask('prompts/get', { name }));
        await agrees(prompts, promptNames, (name) =>
          ask('completion/complete', { ref: { type: 'ref/prompt', name } }),
        );
        const resources = await listed('resources/list', 'resources', 'uri');
        const uris = [...resources, 'file:///secret/a', 'a://x', 'b://x'];
        const isRead = async (uri: string) => (await ask('resources/read', { uri })).kind === 'complete';
        for (const uri of uris) expect([uri, await isRead(uri)]).toEqual([uri, resources.includes(uri)]);
        const templates = await listed('resources/templates/list', 'resourceTemplates', 'uriTemplate');
        await agrees(templates, TEMPLATES, (uri) =>
          ask('completion/complete', { ref: { type: 'ref/resource', uri } }),
        );
      });

describe('what is read', () => {
  const read = async (options: Partial<OfferingOptions>, uri: string, narrow?: (x: Exchange) => void) => {
    const { router } = routerOver([serving('a'), serving('b')], options);
    const x = exchange('resources/read', { uri });
    x.reroute(router.route(x));
    narrow?.(x);
    return router.handle(x, nobody);
  };

  test('is judged by its own URI, whatever its template', async () => {
    const options = { resources: { deny: ['file:///docs/{name}', 'file:///docs/private*'] } };
    expect((await read(options, 'file:///docs/b')).value).toEqual({ used: 'file:///docs/b' });
    expect((await read(options, 'file:///docs/private')).code).toBe(-32602);
    expect((await read(options, 'file:///docs/x/../private')).code).toBe(-32602);
  });

  test('is of the upstream that may give it', async () => {
    const offers = new Map([['a', { resources: { deny: ['*'] } }]]);
    const { router } = routerOver([serving('a'), serving('b')], { offers });
    const x = exchange('resources/read', { uri: 'file:///docs/z' });
    x.reroute(router.route(x));
    await router.handle(x, nobody);
    expect(x.route).toMatchObject({ kind: 'one', upstream: 'b' });
  });

  test('is hidden by plugins under the URI that is asked for', async () => {
    const narrow = (x: Exchange) => x.narrow(({ name }) => name !== 'file:///docs/b');
    expect((await read({}, 'file:///docs/b', narrow)).code).toBe(-32602);
    expect((await read({}, 'file:///docs/c', narrow)).value).toEqual({ used: 'file:///docs/c' });
  });
});

test('one upstream under its own names is narrowed like several', async () => {
  const { router } = routerOver([serving('a')], 'none');
  const ask = async (method: string, params: object, narrow: (x: Exchange) => void) => {
    const x = exchange(method, params);
    x.reroute(router.route(x));
    narrow(x);
    return router.handle(x, nobody);
  };
  const gets = (x: Exchange) => x.narrow(({ name }) => name.startsWith('get_'));
  expect((await ask('tools/list', {}, gets)).value.tools).toMatchObject([{ name: 'get_a' }]);
  expect((await ask('tools/call', { name: 'get_a' }, gets)).value).toEqual({ used: 'get_a' });
  expect((await ask('tools/call', { name: 'delete_a' }, gets)).raw.string('message')).toBe(
    'Unknown tool: delete_a',
  );
});

test('plugins see where a call goes, also one that is hidden from its caller in the end', async () => {
  const { router } = routerOver([serving('a'), serving('b')], { template: PREFIX, views });
  const x = exchange('tools/call', { name: 'b__delete_a' });
  x.reroute(router.route(x));
  expect(x.route).toMatchObject({ kind: 'one', upstream: 'b', name: 'delete_a' });
  x.set(principalFact, ann);
  expect((await router.handle(x, nobody)).raw.string('message')).toBe('Unknown tool: b__delete_a');
  expect(x.route.kind).toBe('none');
});
