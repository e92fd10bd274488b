// Where a request goes. What the request and the configuration say of it is known before any plugin runs, and again
// when a plugin renamed the target. What only upstreams can say is asked later: for a caller that plugins refuse, nobody
// is.

import { type ErrorName, errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Route } from '../core/route.ts';
import { methodRow } from '../protocol/methods.ts';
import type { Offering } from './offering.ts';
import { findOwner, type LookUps } from './owner.ts';
import type { Source } from './source.ts';
import { KIND_OF, type Listed, type Target, targetOf } from './target.ts';
import { type TaskName, type TaskNames, unknownTask } from './tasks.ts';
import type { Views } from './views.ts';

export interface Routing {
  readonly sources: readonly Source[];
  readonly offering: Offering;
  /** What callers see. */
  readonly views: Views;
  /** What there is, whoever calls. */
  readonly whole: Views;
  /** What there would be, were nothing changed or held back. */
  readonly origins: Views;
  readonly limits: () => LookUps;
  readonly tasks: TaskNames;
  /** The upstream whose extension has the method of this exchange. */
  extensionOwner(x: Exchange): Promise<string | undefined>;
}

/** The way as far as it is known without asking anybody. */
export function findRoute(x: Exchange, routing: Routing): Route {
  const { sources } = routing;
  const { method } = x.request;
  const row = methodRow(method);
  const [only] = sources;
  if (row?.to === 'local') return { kind: 'local' };
  if (row?.to === 'all') return { kind: 'all', upstreams: sources.map(({ name }) => name) };
  if (only && routing.offering.transparent && row?.name !== 'taskId') {
    const target = row && targetOf(x.request, row);
    return { kind: 'one', upstream: only.name, name: target?.name, asked: target?.name };
  }
  // Sessions are told of no extensions.
  if (!row) return x.client.session ? unknownMethod(method) : undecided(routing);
  const target = targetOf(x.request, row);
  if (!target)
    return none('PARAMS_INVALID', `${method} does not say what it wants: params.${row.name} is missing.`);
  return byTarget(target, x, routing);
}

function undecided({ sources }: Routing, asked?: string): Route {
  return { kind: 'undecided', upstreams: sources.map(({ name }) => name), asked };
}

/**
 * The way that only upstreams can say: for what is in their lists, and for methods of their extensions.
 * @param x whose behalf they are asked on; its request is the one to route
 * @throws the reason of the exchange's signal when it aborts first
 */
export async function decidedRoute(x: Exchange, routing: Routing): Promise<Route> {
  const row = methodRow(x.request.method);
  if (!row) return byExtension(x, routing);
  const target = targetOf(x.request, row);
  return target && target.kind !== 'task' ? byLists(target, x, routing) : findRoute(x, routing);
}

/** An unknown method belongs to somebody only when there is just one it can belong to. */
async function byExtension(x: Exchange, { extensionOwner }: Routing): Promise<Route> {
  const upstream = await extensionOwner(x);
  return upstream === undefined ? unknownMethod(x.request.method) : { kind: 'one', upstream };
}

/** The way to a task, now that it is known who calls: to their own ones only, of tools that are there for them. */
export async function ownTaskRoute(name: string, x: Exchange, routing: Routing): Promise<Route> {
  const { tasks, sources } = routing;
  const task = tasks.inward(name, x);
  if (!task || !(await isThere(task, x, routing)))
    return { kind: 'none', asked: name, refusal: unknownTask() };
  if (sources.some((source) => source.name === task.upstream))
    return { kind: 'one', upstream: task.upstream, name: task.id, asked: name };
  return {
    ...none('PARAMS_INVALID', 'The upstream of this task is not configured here any more.'),
    asked: name,
  };
}

/** Whether the tool that made a task is not hidden; a list that cannot be had hides nothing that was there before. */
async function isThere(
  { upstream, tool }: TaskName,
  x: Exchange,
  { offering, views, limits }: Routing,
): Promise<boolean> {
  if (tool === undefined || !offering.hides('tools', x)) return true;
  const { view, missing } = await views.see('tools', x, { maxAge: limits().fresh, only: upstream });
  const made = view.offered.find((each) => each.upstream === upstream && each.own === tool);
  return made ? offering.sees('tools', made, x) : missing.some((each) => each.upstream === upstream);
}

function byTarget(target: Target, x: Exchange, routing: Routing): Route {
  if (target.kind === 'task') {
    const task = routing.tasks.route(target.name, x.client);
    return task && routing.sources.some(({ name }) => name === task.upstream)
      ? { kind: 'one', upstream: task.upstream, name: task.id, asked: target.name }
      : { kind: 'none', asked: target.name, refusal: unknownTask() };
  }
  const way = routing.offering.way(KIND_OF[target.kind], target.name);
  if (way === 'nowhere') return unknown(target);
  if (way) return { kind: 'one', upstream: way.upstream, name: way.own, asked: target.name };
  return undecided(routing, target.name);
}

/**
 * The way of a request for its caller, now that the plugins have said who that is: only to what its lists have. What
 * is hidden and what nobody has are answered alike.
 * @returns undefined where nothing of the kind can be hidden from it
 */
export function visibleRoute(x: Exchange, routing: Routing): Promise<Route> | undefined {
  const row = methodRow(x.request.method);
  const target = row && targetOf(x.request, row);
  if (!target || target.kind === 'task' || !routing.offering.hides(KIND_OF[target.kind], x)) return undefined;
  return byLists(target, x, routing);
}

/**
 * The way of a request of which plugins were told another before. Those that are for the place it leads to now may have
 * let it pass by, so there it does not go.
 */
export function asTold({ request, route }: Exchange, told: Route): Route {
  if (route.kind !== 'one' || (told.kind === 'one' && told.upstream === route.upstream)) return route;
  if (told.kind === 'none') return told;
  const row = methodRow(request.method);
  const target = row && targetOf(request, row);
  return target && target.kind !== 'task' ? unknown(target) : unknownMethod(request.method);
}

async function byLists(target: Listed, x: Exchange, routing: Routing): Promise<Route> {
  const { upstream, own, missing } = await findOwner(target, x, routing);
  if (upstream !== undefined) return { kind: 'one', upstream, name: own, asked: target.name };
  return missing.length === 0 ? unknown(target) : uncertain(target, missing);
}

function unknownMethod(method: string): Route {
  return none('METHOD_UNKNOWN', `Nobody here answers ${method}.`);
}

function unknown(target: Listed): Route {
  const { kind, name } = target;
  const data = kind === 'resource' ? { uri: name } : {};
  return { ...none('PARAMS_INVALID', `Unknown ${wordOf(target)}: ${name}`, data), asked: name };
}

/** Nobody that could be asked has it; those that could not may. */
function uncertain(target: Listed, missing: readonly string[]): Route {
  const { name } = target;
  const detail = `Nobody knows the ${wordOf(target)} ${name} now; not there to be asked: ${missing.join(', ')}.`;
  return { ...none('UPSTREAM_UNAVAILABLE', detail, { upstreams: [...missing] }), asked: name };
}

function wordOf({ kind }: Listed): string {
  return kind === 'template' ? 'resource template' : kind;
}

function none(code: ErrorName, detail: string, data = {}): Extract<Route, { kind: 'none' }> {
  return { kind: 'none', refusal: errorResult(code, detail, data) };
}
