// What the gateway says of itself on an endpoint: answered here, from what its upstreams say of themselves.

import type { Exchange } from '../core/exchange.ts';
import { META } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { ALL_VERSIONS } from '../protocol/versions.ts';
import { ownerOf, unitedExtensions } from './extensions.ts';
import { joinedTexts } from './instructions.ts';
import type { Said, Source } from './source.ts';

/** Advertised for an upstream that is not there yet, so that its things can appear later. */
const SUPERSET = RawObject.of({
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
});

/** What an upstream says of itself, as far as it can be had in time. */
export type Greet = (source: Source, x: Exchange) => Promise<Said | undefined>;

export interface Speaking {
  readonly greet: Greet;
  /** The gateway's own Implementation object. */
  readonly gateway: RawObject;
  /** Most characters of the instructions of several upstreams together. */
  readonly longest: number;
  /** They were longer. */
  cut(): void;
}

/** A server/discover result (2026-07-28 server/discover); the initialize era reads its answer from it too. */
export async function discover(
  sources: readonly Source[],
  x: Exchange,
  { gateway, greet, longest, cut }: Speaking,
): Promise<RawObject> {
  const hellos = await hellosOf(sources, x, greet);
  const told = sources.flatMap(({ name }, i) => {
    const text = hellos[i]?.instructions;
    return text === undefined ? [] : [{ name, text }];
  });
  const instructions = sources.length === 1 ? told[0]?.text : joinedTexts(told, longest, cut);
  return RawObject.of({ resultType: 'complete', supportedVersions: [...ALL_VERSIONS] }).with({
    capabilities: union(hellos),
    ...(instructions === undefined ? {} : { instructions }),
    ttlMs: 0,
    cacheScope: 'private',
    _meta: RawObject.of({}).with({ [META.serverInfo]: gateway }),
  });
}

/** The lists of whose changes this endpoint can tell: members of a subscription's filter. */
export async function tellableLists(
  sources: readonly Source[],
  x: Exchange,
  greet: Greet,
): Promise<string[]> {
  const capabilities = union(await hellosOf(sources, x, greet));
  return LISTS.filter((list) => capabilities.has(list)).map((list) => `${list}ListChanged`);
}

/** The upstream whose extension has this request's method, if it can be told. */
export async function extensionOwner(
  sources: readonly Source[],
  x: Exchange,
  greet: Greet,
): Promise<string | undefined> {
  const hellos = await hellosOf(sources, x, greet);
  const index = ownerOf(
    x.request.method,
    hellos.map((hello) => hello?.capabilities.object('extensions')),
  );
  return index === undefined ? undefined : sources[index]?.name;
}

function hellosOf(sources: readonly Source[], x: Exchange, greet: Greet): Promise<(Said | undefined)[]> {
  return Promise.all(sources.map((source) => greet(source, x)));
}

/** What can be routed of it. */
function union(hellos: readonly (Said | undefined)[]): RawObject {
  const all = hellos.map((hello) => hello?.capabilities ?? SUPERSET);
  const alone = all.length === 1;
  let merged = RawObject.of({});
  for (const capabilities of all) {
    for (const key of capabilities.keys()) {
      if (key === 'tasks' || (key === 'extensions' && !alone)) continue;
      const mine = merged.object(key);
      const theirs = capabilities.object(key);
      if (!mine) merged = merged.with({ [key]: theirs ?? RawObject.of({}) });
      else if (theirs) merged = merged.with({ [key]: mine.with(onlyTrue(theirs, mine)) });
    }
  }
  const tasks = sessionTasks(all);
  if (tasks) merged = merged.with({ tasks });
  const extensions = alone ? undefined : unitedExtensions(all.map((each) => each.object('extensions')));
  if (extensions) merged = merged.with({ extensions });
  return LISTS.reduce((all, list) => withOwnChanges(all, list), merged);
}

/** What sessions can do with tasks, where any upstream makes them. */
function sessionTasks(all: readonly RawObject[]): RawObject | undefined {
  const makers = all.flatMap((capabilities) => {
    const tasks = capabilities.object('tasks');
    return tasks?.object('requests')?.object('tools')?.has('call') ? [tasks] : [];
  });
  if (makers.length === 0) return undefined;
  const optional = ['list', 'cancel'].filter((key) => makers.some((tasks) => tasks.has(key)));
  return RawObject.of({
    ...Object.fromEntries(optional.map((key) => [key, {}])),
    requests: { tools: { call: {} } },
  });
}

/** Lists change with the configuration too, so the gateway can tell of it whatever its upstreams can. */
const LISTS = ['tools', 'prompts', 'resources'] as const;

function withOwnChanges(capabilities: RawObject, list: string): RawObject {
  const own = capabilities.object(list);
  return own ? capabilities.with({ [list]: own.with({ listChanged: true }) }) : capabilities;
}

function onlyTrue(theirs: RawObject, mine: RawObject): Record<string, true | RawObject> {
  const entries: [string, true | RawObject][] = [];
  for (const key of theirs.keys()) {
    const object = theirs.object(key);
    if (object && !mine.has(key)) entries.push([key, object]);
    else if (theirs.get(key) === true) entries.push([key, true]);
  }
  return Object.fromEntries(entries);
}
