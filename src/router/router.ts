// From an exchange to its legs and back to one result. The innermost handler of an endpoint's pipeline.

import { checkFact } from '../core/check.ts';
import { type ErrorName, errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Emit, Handler } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import type { Ways } from '../core/pipeline.ts';
import type { Route } from '../core/route.ts';
import { digest } from '../lib/digest.ts';
import { anyOf } from '../lib/glob.ts';
import type { Seal } from '../lib/seal.ts';
import { type McpRequest, McpResult } from '../protocol/message.ts';
import { methodRow } from '../protocol/methods.ts';
import type { RawObject } from '../protocol/raw.ts';
import { Changes } from './changes.ts';
import { discover, extensionOwner } from './discover.ts';
import type { Whole } from './in-time.ts';
import type { Outcome } from './last-good.ts';
import { type Listening, listenAll } from './listen.ts';
import { type Merging, mergedList, type PageLimits } from './merged.ts';
import { createOffering, type Offering } from './offering.ts';
import { withArguments } from './override.ts';
import { findOwner, type LookUps } from './owner.ts';
import { passedList } from './passed.ts';
import { asTold, decidedRoute, findRoute, ownTaskRoute, type Routing, visibleRoute } from './route.ts';
import { searching, searchList } from './search.ts';
import type { Said, Source } from './source.ts';
import type { Stock } from './stock.ts';
import { renamed, targetOf } from './target.ts';
import { legWithTasks } from './task-leg.ts';
import { taskList } from './task-list.ts';
import { TaskNames, withoutTasks } from './tasks.ts';
import { digestFor, Views, type Wish } from './views.ts';

export interface Router extends Ways {
  /** A tool as it is listed to the caller of `x`; only the upstream that `x` goes to is asked. */
  tool(x: Exchange, name: string, wish: Wish): Promise<RawObject | undefined>;
  /** Where the exchange's request goes, as far as that is known without asking anybody. */
  route(x: Exchange): Route;
  readonly handle: Handler;
}

export interface RouterParts {
  readonly sources: readonly Source[];
  readonly offering: Offering;
  /** The gateway's own Implementation object. */
  readonly gateway: RawObject;
  readonly stock: Stock;
  readonly limits: () => RouterLimits;
  /** Aborts when the generation is to go. */
  readonly leaving: AbortSignal;
  readonly host: Host;
  /** For the names of tasks. */
  readonly seal: Seal;
  /** Where tools are found instead of listed. */
  readonly search?: { readonly hits: number; readonly also: readonly string[] | undefined } | undefined;
}

export interface RouterLimits extends LookUps, PageLimits {
  /** How long one upstream may keep the others waiting where their answers become one, milliseconds. */
  readonly patience: number;
  /** How long a burst of changes is waited out before anybody is told, milliseconds. */
  readonly debounce: number;
  /** After how long an upstream that failed is asked again while somebody listens, milliseconds. */
  readonly retry: number;
  /** Most characters of the instructions of several upstreams together. */
  readonly instructions: number;
  /** Longest id of a task that an upstream may give, in characters. */
  readonly taskId: number;
  /** Most events of a subscription held until its client has its acknowledgement. */
  readonly events: number;
  /** Longest query of `find_tool`, in characters. */
  readonly query: number;
}

export function createRouter({
  sources,
  offering,
  gateway,
  stock,
  limits,
  leaving,
  host,
  seal,
  search,
}: RouterParts): Router {
  const tasks = new TaskNames(seal, () => limits().taskId, host);
  const viewsOf = (each: Offering): Views =>
    new Views({ sources, offering: each, stock, leaving, now: host.now });
  const views = viewsOf(offering);
  const upstreams = sources.map(({ name }) => name);
  const whole = (x: Exchange): Whole => ({ signal: x.signal, patience: limits().patience, host });
  const speaking = () => ({
    greet,
    gateway,
    longest: limits().instructions,
    cut: () => host.metrics.limitHits.inc({ limit: 'instructions' }),
  });
  /** One that is not there in time is left out: clients give up on a slow first answer themselves. */
  async function greet(source: Source, x: Exchange): Promise<Said | undefined> {
    const { value, failure } = await greeting(source, x);
    const fields = failure && { upstream: source.name, error: failure.message };
    if (fields && value) host.log.info('greeted as it was before', fields);
    else if (fields) host.log.warn('upstream not there', fields);
    return value;
  }
  function greeting(source: Source, x: Exchange): Promise<Pick<Outcome<Said>, 'value' | 'failure'>> {
    const nothing = { value: undefined, failure: undefined };
    return stock.hello(source, x, { maxAge: 0, leaving }).catch(() => nothing);
  }
  const routing: Routing = {
    sources,
    offering,
    views,
    whole: offering.whole === offering ? views : viewsOf(offering.whole),
    origins: viewsOf(createOffering({ upstreams: sources.map(({ name }) => name) })),
    limits,
    tasks,
    extensionOwner: (x) => extensionOwner(sources, x, greet),
  };
  const found = search && { ...search, query: () => limits().query, also: anyOf(search.also) };
  const changes = new Changes({
    sources,
    views,
    stock,
    compares: found !== undefined || !offering.transparent,
    digestOf: (x, kind, seen) =>
      found && kind === 'tools'
        ? digest(searchList(x, seen, offering, found).text)
        : digestFor(x, kind, seen, offering),
    debounce: () => limits().debounce,
    retry: () => limits().retry,
    leaving,
  });
  const merging: Merging = { views, offering, changes, upstreams, seal, limits, host };
  const whyAway = async (source: Source, x: Exchange): Promise<ErrorName | undefined> =>
    (await greeting(source, x)).failure?.code;
  const most = (): number => limits().events;
  const listening: Listening = { sources, offering, changes, tasks, greet, whyAway, watchedAt, most };
  /** Where nobody is known to have it, one that cannot be asked may. */
  async function watchedAt(uri: string, x: Exchange): Promise<readonly string[]> {
    if (offering.transparent && !x.isNarrowed) return upstreams;
    const { upstream, missing } = await findOwner({ kind: 'resource', name: uri }, x, routing);
    if (upstream !== undefined) return [upstream];
    return missing.filter((each) => offering.sees('resources', { upstream: each, own: uri, name: uri }, x));
  }
  const byName = new Map(sources.map((source) => [source.name, source]));
  const alone = offering.transparent ? sources[0] : undefined;
  /** The ways that plugins in the middle went by. */
  const told = new WeakMap<Exchange, Route>();

  /** A plugin may have renamed the target, or asked for something else; then the way is looked for again. */
  function follow(x: Exchange): void {
    if (leadsTo(x)) return;
    told.delete(x);
    x.reroute(findRoute(x, routing));
  }

  /** For a plugin in the middle: who calls is not certain yet, so nothing is hidden either. */
  async function decide(x: Exchange): Promise<undefined> {
    if (x.route.kind !== 'undecided') return;
    await reroute(x, decidedRoute(x, { ...routing, views: routing.whole }));
    told.set(x, x.route);
  }

  /** What was decided in the middle was for whom it seemed to be then; what counts is what the caller is offered. */
  async function lookAgain(x: Exchange): Promise<void> {
    const visible = visibleRoute(x, routing);
    if (visible) await reroute(x, visible);
    else if (findRoute(x, routing).kind === 'undecided') await reroute(x, decidedRoute(x, routing));
    const before = told.get(x);
    if (before) x.reroute(asTold(x, before));
  }

  /** Whose a task is, is known only now that the plugins have said who calls. */
  async function toOwnTask(x: Exchange): Promise<void> {
    const row = methodRow(x.request.method);
    const name = row?.name === 'taskId' ? targetOf(x.request, row)?.name : undefined;
    if (name !== undefined) x.reroute(await ownTaskRoute(name, x, routing));
  }

  function toOne(route: Extract<Route, { kind: 'one' }>, x: Exchange, emit: Emit): Promise<McpResult> {
    const source = byName.get(route.upstream);
    if (!source) return Promise.resolve(errorResult('INTERNAL', `There is no upstream "${route.upstream}".`));
    const row = methodRow(x.request.method);
    const rename = row && route.name !== undefined && route.name !== route.asked;
    const request = rename ? renamed(x.request, row, route.name ?? '') : x.request;
    const whole = x.request.method === 'tools/call' ? withFixed(request, route) : request;
    return whole instanceof McpResult ? Promise.resolve(whole) : legWithTasks(source, whole, x, emit, tasks);
  }

  function withFixed(
    request: McpRequest,
    { upstream, name = '', asked = name }: Extract<Route, { kind: 'one' }>,
  ): McpRequest | McpResult {
    const values = offering.fixed({ upstream, own: name });
    return values ? withArguments(request, values, asked) : request;
  }

  async function toAll(x: Exchange, emit: Emit): Promise<McpResult> {
    const merge = methodRow(x.request.method)?.merge;
    if (merge === 'stream') return listenAll(x, emit, whole(x), listening);
    if (merge === 'tasks') return taskList(sources, x, whole(x), tasks);
    if (alone && !x.isNarrowed)
      return merge
        ? passedList(merge, x, emit, { source: alone, stock, host, leaving })
        : alone.handle(x.fork(alone.name, x.request), emit);
    return merge ? mergedList(merge, x, merging) : errorResult('METHOD_UNKNOWN');
  }

  const router: Router = {
    async tool(x, name, wish) {
      const { view } = await views.see('tools', x, { ...wish, only: upstreamOf(x) });
      const tool = view.byName.get(name);
      return tool && offering.sees('tools', tool, x) ? tool.item : undefined;
    },
    route: (x) => findRoute(x, routing),
    follow,
    decide,
    async handle(x, emit) {
      const refusal = withoutTasks(x);
      if (refusal) return refusal;
      follow(x);
      await lookAgain(x);
      await toOwnTask(x);
      const { route } = x;
      switch (route.kind) {
        case 'one':
          return (await refusalOf(x)) ?? toOne(route, x, emit);
        case 'all':
          return toAll(x, emit);
        case 'local':
          return McpResult.complete(await discover(sources, x, speaking()));
        case 'none':
          return route.refusal;
        case 'undecided':
          return errorResult('INTERNAL', 'Nobody has found out where this goes.', { requestId: x.id });
      }
    },
  };
  return found ? searching(router, found, merging) : router;
}

/** Whoever leaves while upstreams are asked goes nowhere. */
async function reroute(x: Exchange, looking: Promise<Route>): Promise<void> {
  x.reroute(await looking.catch((error: unknown) => ({ kind: 'none', refusal: left(error, x) })));
}

/** What the listener has against it. */
async function refusalOf(x: Exchange): Promise<McpResult | undefined> {
  const check = x.get(checkFact);
  return check && (await check(x).catch((error: unknown) => left(error, x)));
}

function left(error: unknown, { signal, id: requestId }: Exchange): McpResult {
  if (signal.aborted) return errorResult('CANCELLED', undefined, { requestId });
  throw error;
}

/** The upstream that an exchange goes to, where it is one. */
function upstreamOf({ route }: Exchange): string | undefined {
  if (route.kind === 'one') return route.upstream;
  return route.kind === 'all' && route.upstreams.length === 1 ? route.upstreams[0] : undefined;
}

/** Whether the route is the one of the request as it is now. */
function leadsTo({ route, request }: Exchange): boolean {
  const row = methodRow(request.method);
  if (route.kind === 'all' || route.kind === 'local') return row?.to === route.kind;
  return row?.to !== 'all' && row?.to !== 'local' && route.asked === (row && targetOf(request, row)?.name);
}
