// From an exchange to its legs and back to one result. The innermost handler of an endpoint's pipeline.

import { identityKey } from '../core/client.ts';
import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Emit, Handler } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import type { Follow } from '../core/pipeline.ts';
import type { Route } from '../core/route.ts';
import type { Seal } from '../lib/seal.ts';
import { McpResult } from '../protocol/message.ts';
import { methodRow } from '../protocol/methods.ts';
import type { RawObject } from '../protocol/raw.ts';
import { Catalog } from './catalog.ts';
import { discover, extensionOwner } from './discover.ts';
import { listenAll } from './listen.ts';
import { mergedList } from './merged.ts';
import type { Offering } from './offering.ts';
import { findRoute, ownTaskRoute, type Routing } from './route.ts';
import type { Source } from './source.ts';
import { renamed, targetOf } from './target.ts';
import { legWithTasks } from './task-leg.ts';
import { TaskNames, withoutTasks } from './tasks.ts';

export interface Router {
  /** Where the exchange's request goes; a promise where upstreams have to be asked. */
  route(x: Exchange): Route | Promise<Route>;
  /** Routes again where the request names another target than its route was found for. */
  readonly follow: Follow;
  readonly handle: Handler;
}

export interface RouterParts {
  readonly sources: readonly Source[];
  readonly offering: Offering;
  /** The gateway's own Implementation object. */
  readonly gateway: RawObject;
  /** How long one upstream may keep the others waiting where their answers become one, milliseconds. */
  readonly patience: number;
  readonly host: Host;
  /** For the names of tasks. */
  readonly seal: Seal;
  /** Of those that upstreams give, in characters. */
  longestTaskId(): number;
}

export function createRouter({
  sources,
  offering,
  gateway,
  patience,
  longestTaskId,
  host,
  seal,
}: RouterParts): Router {
  const tasks = new TaskNames(seal, longestTaskId, host);
  const routing: Routing = {
    sources,
    offering,
    catalog: new Catalog(sources, host, patience),
    tasks,
    extensionOwner: (x) => extensionOwner(sources, x, { signal: x.signal, patience, host }),
  };
  const byName = new Map(sources.map((source) => [source.name, source]));
  const alone = offering.transparent ? sources[0] : undefined;

  /** A plugin may have renamed the target, or asked for something else; then the way is looked for again. */
  function follow(x: Exchange): Promise<void> | undefined {
    if (leadsTo(x)) return undefined;
    return Promise.resolve(findRoute(x, routing)).then((route) => x.reroute(route));
  }

  /**
   * What nobody had when the way was first looked for, before plugins had said who calls, may be offered to that
   * caller.
   */
  async function lookAgain(x: Exchange): Promise<void> {
    const isUnknown = x.route.kind === 'none' && x.route.asked !== undefined;
    if (isUnknown && identityKey(x.principal) !== identityKey(x.client.principal))
      x.reroute(await findRoute(x, routing));
  }

  /** Whose a task is, is known only now that the plugins have said who calls. */
  function toOwnTask(x: Exchange): void {
    const row = methodRow(x.request.method);
    const name = row?.name === 'taskId' ? targetOf(x.request, row)?.name : undefined;
    if (name !== undefined) x.reroute(ownTaskRoute(name, x, routing));
  }

  function toOne(route: Extract<Route, { kind: 'one' }>, x: Exchange, emit: Emit): Promise<McpResult> {
    const source = byName.get(route.upstream);
    if (!source) return Promise.resolve(errorResult('INTERNAL', `There is no upstream "${route.upstream}".`));
    const row = methodRow(x.request.method);
    const rename = row && route.name !== undefined && route.name !== route.asked;
    const request = rename ? renamed(x.request, row, route.name ?? '') : x.request;
    return legWithTasks(source, request, x, emit, tasks);
  }

  async function toAll(
    { upstreams }: Extract<Route, { kind: 'all' }>,
    x: Exchange,
    emit: Emit,
  ): Promise<McpResult> {
    const merge = methodRow(x.request.method)?.merge;
    const whole = { signal: x.signal, patience, host };
    if (merge === 'stream') return listenAll(sources, x, emit, whole, tasks);
    if (alone && merge !== 'tasks') return alone.handle(x.fork(alone.name, x.request), emit);
    const own = sources.filter(({ name }) => upstreams.includes(name));
    return merge ? mergedList(merge, own, x, whole, offering, tasks) : errorResult('METHOD_UNKNOWN');
  }

  return {
    route: (x) => findRoute(x, routing),
    follow,
    async handle(x, emit) {
      const refusal = withoutTasks(x);
      if (refusal) return refusal;
      await follow(x);
      await lookAgain(x);
      toOwnTask(x);
      const { route } = x;
      switch (route.kind) {
        case 'one':
          return toOne(route, x, emit);
        case 'all':
          return toAll(route, x, emit);
        case 'local':
          return McpResult.complete(
            await discover(sources, x, gateway, { signal: x.signal, patience, host }),
          );
        case 'none':
          return route.refusal;
      }
    },
  };
}

/** Whether the route is the one of the request as it is now. */
function leadsTo({ route, request }: Exchange): boolean {
  const row = methodRow(request.method);
  if (route.kind === 'all' || route.kind === 'local') return row?.to === route.kind;
  return row?.to !== 'all' && row?.to !== 'local' && route.asked === (row && targetOf(request, row)?.name);
}
