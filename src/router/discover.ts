// What the gateway says of itself on an endpoint: answered here, from what its upstreams say of themselves.

import { messageOf } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { META } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { ALL_VERSIONS } from '../protocol/versions.ts';
import { ownerOf, unitedExtensions } from './extensions.ts';
import { inTime, type Whole } from './in-time.ts';
import type { Source } from './source.ts';

/** Advertised for an upstream that is not there yet, so that its things can appear later. */
const SUPERSET = RawObject.of({
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
});

type Hello = Awaited<ReturnType<Source['hello']>>;

/** A server/discover result (2026-07-28 server/discover); the initialize era reads its answer from it too. */
export async function discover(
  sources: readonly Source[],
  x: Exchange,
  gateway: RawObject,
  whole: Whole,
): Promise<RawObject> {
  const hellos = await hellosOf(sources, x, whole);
  const instructions = joined(sources, hellos);
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
  whole: Whole,
): Promise<string[]> {
  const capabilities = union(await hellosOf(sources, x, whole));
  return LISTS.filter((list) => capabilities.has(list)).map((list) => `${list}ListChanged`);
}

/** The upstream whose extension has this request's method, if it can be told. */
export async function extensionOwner(
  sources: readonly Source[],
  x: Exchange,
  whole: Whole,
): Promise<string | undefined> {
  const hellos = await hellosOf(sources, x, whole);
  const index = ownerOf(
    x.request.method,
    hellos.map((hello) => hello?.capabilities.object('extensions')),
  );
  return index === undefined ? undefined : sources[index]?.name;
}

function hellosOf(sources: readonly Source[], x: Exchange, whole: Whole): Promise<(Hello | undefined)[]> {
  return Promise.all(sources.map((source) => helloOf(source, x, whole)));
}

/** One that is not there in time is left out: clients give up on a slow first answer themselves. */
async function helloOf(source: Source, x: Exchange, whole: Whole): Promise<Hello | undefined> {
  try {
    return await inTime(source.name, whole, () => source.hello(x.caller));
  } catch (error) {
    whole.host.log.warn('upstream not there', { upstream: source.name, error: messageOf(error) });
    return undefined;
  }
}

/** What can be routed of it. */
function union(hellos: readonly (Hello | undefined)[]): RawObject {
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

function joined(sources: readonly Source[], hellos: readonly (Hello | undefined)[]): string | undefined {
  const told = sources.flatMap(({ name }, i) => {
    const text = hellos[i]?.instructions;
    return text === undefined ? [] : [{ name, text }];
  });
  if (told.length === 0) return undefined;
  if (sources.length === 1) return told[0]?.text;
  return told.map(({ name, text }) => `## ${name}\n${text}`).join('\n\n');
}
