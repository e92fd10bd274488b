// An endpoint with many tools that shows two: one that finds the others, and one that calls them. A call through the
// second is the call of the tool itself before anything has looked at it, so plugins, rules and views judge that.

import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Route } from '../core/route.ts';
import type { Test } from '../lib/glob.ts';
import { joinItems } from '../protocol/items.ts';
import { McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { type Merging, nobodyThere } from './merged.ts';
import { type Offered, type Offering, visible } from './offering.ts';
import type { Router } from './router.ts';
import { type SearchIndex, searchIndex } from './search-index.ts';
import { CALL, FIND, type FindLimits, innerCall, searchTools, wantedOf } from './search-tools.ts';
import type { Seen, View } from './views.ts';

export interface SearchOptions {
  /** Hits, where the caller does not say how many it wants. */
  readonly hits: number;
  /** `limits.query`. */
  readonly query: () => number;
  /** Tools that are listed all the same, by name. */
  readonly also: Test | undefined;
}

const HERE: Route = { kind: 'local' };

/** What of a tool is told by `find_tool`: what its caller needs for calling it. */
const TOLD = ['name', 'title', 'description', 'inputSchema', 'annotations'] as const;

export function searching(router: Router, options: SearchOptions, merging: Merging): Router {
  const { views, offering, host } = merging;
  const indexes = new WeakMap<View, SearchIndex>();

  const isFind = ({ request }: Exchange): boolean =>
    request.method === 'tools/call' && request.raw?.string('name') === FIND;

  /** @returns the way that is known now */
  function unwrap(x: Exchange): Route | undefined {
    if (x.request.method !== 'tools/call') return undefined;
    if (x.request.raw?.string('name') === CALL) {
      const inner = innerCall(x.request);
      if (inner instanceof McpResult) return { kind: 'none', asked: CALL, refusal: inner };
      x.replace(inner);
    }
    return isFind(x) ? HERE : undefined;
  }

  async function see(x: Exchange): Promise<{ seen: Seen; tools: readonly Offered[] } | McpResult> {
    const seen = await views.see('tools', x, { maxAge: 0 }).catch(() => undefined);
    if (!seen || x.signal.aborted) return errorResult('CANCELLED', undefined, { requestId: x.id });
    if (seen.missing.length === views.sources.length) return nobodyThere('tools', seen.missing, x);
    return { seen, tools: visible('tools', seen.view.offered, x, offering) };
  }

  async function list(x: Exchange): Promise<McpResult> {
    if ((x.request.raw?.get('cursor') ?? null) !== null)
      return errorResult('PARAMS_INVALID', 'Unknown cursor: this list has one page.');
    const there = await see(x);
    if (there instanceof McpResult) return there;
    merging.changes.shown('tools', x, there.seen);
    return McpResult.complete(searchList(x, there.seen, offering, options));
  }

  async function find(x: Exchange): Promise<McpResult> {
    // It asks nothing, so no state is its own; another's would have it look where that waits.
    if (x.request.raw?.has('requestState') === true) return errorResult('STATE_INVALID');
    const wanted = wantedOf(x.request, findLimits(options));
    if (wanted instanceof McpResult) {
      if (wanted.raw.object('data')?.has('limit')) host.metrics.limitHits.inc({ limit: 'query' });
      return wanted;
    }
    const there = await see(x);
    if (there instanceof McpResult) return there;
    const { tools, seen } = there;
    const index = indexes.get(seen.view) ?? searchIndex(seen.view.offered);
    indexes.set(seen.view, index);
    const found = visible('tools', index.find(wanted.query), x, offering).slice(0, wanted.limit);
    const answer = RawObject.of({}).with({
      tools: joinItems(found.map(({ item }) => told(item))),
      total: tools.length,
    });
    return McpResult.complete(
      RawObject.of({ content: [{ type: 'text', text: answer.text }] }).with({ structuredContent: answer }),
    );
  }

  function follow(x: Exchange): void {
    const way = unwrap(x);
    if (way) x.reroute(way);
    // A plugin made another call of one that was answered here.
    else if (x.route === HERE) x.reroute(router.route(x));
    else router.follow(x);
  }

  return {
    tool: (x, name, wish) => (name === FIND || name === CALL ? nothing : router.tool(x, name, wish)),
    route: (x) => unwrap(x) ?? router.route(x),
    follow,
    decide: router.decide,
    async handle(x, emit) {
      follow(x);
      if (x.request.method === 'tools/list') return list(x);
      // What is wrong with its arguments; the router knows no tool of that name.
      if (x.route.kind === 'none' && x.route.asked === CALL) return x.route.refusal;
      return x.route === HERE && isFind(x) ? find(x) : router.handle(x, emit);
    },
  };
}

/** The tools as they are listed to the caller. */
export function searchList(
  x: Exchange,
  { view }: Seen,
  offering: Offering,
  options: SearchOptions,
): RawObject {
  const { also } = options;
  const all = visible('tools', view.offered, x, offering);
  const upstreams = [...new Set(all.map(({ upstream }) => upstream))];
  const shown = also ? all.filter(({ full }) => also(full)) : [];
  const tools = [...searchTools(upstreams, findLimits(options)), ...shown.map(({ item }) => item)];
  return RawObject.of({}).with({ tools: joinItems(tools) });
}

function findLimits({ hits, query }: SearchOptions): FindLimits {
  return { hits, query: query() };
}

const nothing = Promise.resolve(undefined);

function told(item: RawObject): RawObject {
  const members = TOLD.flatMap((name) => {
    const text = item.raw(name);
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
  });
  return RawObject.trusted(`{${members.join(',')}}`);
}
