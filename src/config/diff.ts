// What a reload would change: found by comparing two loaded configurations, shown without a secret.
// Changes nothing itself.
import { painter } from './diagnostic.ts';
import { changedLeaves } from './leaves.ts';
import type { Loaded } from './load.ts';
import { sameEntry, sameListeners, sameSection, sameUpstream } from './same.ts';
import type { Config, Entry, Path, Upstream } from './schema.ts';

export { sameEntry, sameUpstream } from './same.ts';

/** One line of a plan. `before` and `after` are texts fit to be shown; equal ones stand for a changed secret. */
export interface Change {
  readonly sign: '+' | '-' | '~' | '!';
  /** What changes: `pipeline.progress.every`, `upstreams.jira`. */
  readonly what: string;
  readonly before?: string;
  readonly after?: string;
  readonly note?: string;
}

export interface Plan {
  /** In the order of the sections. Empty when nothing changes. */
  readonly changes: readonly Change[];
  /** Names, by what becomes of them. */
  readonly upstreams: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly string[];
    readonly kept: readonly string[];
  };
  /** Sections that changed and take effect at the next start only. */
  readonly ignored: readonly (keyof Config)[];
}

export interface PlanView {
  readonly color: boolean;
  readonly file: string;
  readonly fromGeneration: number;
  readonly toGeneration: number;
  /** How long the reload took; without it the plan reads as one that has not been carried out. */
  readonly ms?: number;
  /** Calls that end on the old generation. */
  readonly inFlight?: number;
}

/** Sockets are opened, and the place for keys is chosen, once. */
const AT_START = ['listeners', 'admin', 'state'] as const;
type AtStart = (typeof AT_START)[number];
const PLAIN = ['endpoints', 'telemetry', 'limits', 'drain'] as const;

/** Compares two configurations. What is written differently and means the same is no change. */
export function planReload(before: Loaded, after: Loaded): Plan {
  const ignored = AT_START.filter((section) => !sameAtStart(section, before.config, after.config));
  const plain = PLAIN.filter((section) => !sameSection(section, before.config, after.config));
  const upstreams = sortUpstreams(before.config, after.config);
  const pair: Pair = { before, after };
  const changes = [
    ...pipelineChanges(pair, before.config.pipeline, after.config.pipeline, 'pipeline'),
    ...upstreams.changed.flatMap((name) => upstreamChanges(pair, name)),
    ...upstreams.added.map((name): Change => ({ sign: '+', what: `upstreams.${name}` })),
    ...upstreams.removed.map((name): Change => ({ sign: '-', what: `upstreams.${name}` })),
    ...certificateChanges(pair),
    ...plain.flatMap((section) => leafChanges(pair, [section], [section], section)),
    ...ignored.map(
      (section): Change => ({ sign: '!', what: `${section} changed`, note: 'needs a restart, ignored' }),
    ),
  ];
  return { changes, upstreams, ignored };
}

function sameAtStart(section: AtStart, before: Config, after: Config): boolean {
  return section === 'listeners' ? sameListeners(before, after) : sameSection(section, before, after);
}

/** Those of listeners that stay as they are otherwise. */
function certificateChanges({ before, after }: Pair): Change[] {
  const isElsewhere =
    sameListeners(before.config, after.config) && !sameSection('listeners', before.config, after.config);
  return isElsewhere ? [{ sign: '~', what: 'listeners.tls' }] : [];
}

/** The plan as text: a headline, then one line for each change. Ends without a line break. */
export function renderPlan(plan: Plan, view: PlanView): string {
  const paint = painter(view.color);
  const valued = plan.changes.filter(({ before }) => before !== undefined);
  const width = Math.max(0, ...valued.map(({ what }) => what.length));
  const lines = plan.changes.map((change) => {
    const line = renderChange(change, width);
    return change.sign === '!' ? paint('warning', line) : line;
  });
  if (lines.length === 0) lines.push('  = nothing changes');
  return [paint('bold', headline(view)), ...lines, ...finishing(view)].join('\n');
}

function headline({ file, ms, fromGeneration, toGeneration }: PlanView): string {
  const done = ms === undefined ? `${file} would be reloaded` : `reloaded ${file} in ${Math.round(ms)} ms`;
  return `${done} · generation ${fromGeneration} → ${toGeneration}`;
}

function renderChange({ sign, what, before, after, note }: Change, width: number): string {
  const values = before === after ? `${after} (changed)` : `${before} → ${after}`;
  const text = before === undefined ? `  ${sign} ${what}` : `  ${sign} ${what.padEnd(width)}  ${values}`;
  return note === undefined ? text : `${text}${sign === '!' ? ': ' : '  ⚠ '}${note}`;
}

function finishing({ inFlight = 0, fromGeneration }: PlanView): string[] {
  if (inFlight === 0) return [];
  const calls = inFlight === 1 ? '1 in-flight call finishes' : `${inFlight} in-flight calls finish`;
  return [`  = ${calls} on generation ${fromGeneration}`];
}

interface Pair {
  readonly before: Loaded;
  readonly after: Loaded;
}

function byName({ upstreams }: Config): Map<string, Upstream> {
  return new Map(upstreams.map((upstream) => [upstream.name, upstream]));
}

function sortUpstreams(before: Config, after: Config): Plan['upstreams'] {
  const [old, fresh] = [byName(before), byName(after)];
  const isKept = ([name, upstream]: [string, Upstream]): boolean => {
    const earlier = old.get(name);
    return earlier !== undefined && sameUpstream(earlier, upstream);
  };
  const shared = [...fresh].filter(([name]) => old.has(name));
  const names = (entries: [string, Upstream][]): string[] => entries.map(([name]) => name);
  return {
    added: names([...fresh].filter(([name]) => !old.has(name))),
    removed: names([...old].filter(([name]) => !fresh.has(name))),
    changed: names(shared.filter((entry) => !isKept(entry))),
    kept: names(shared.filter(isKept)),
  };
}

function upstreamChanges(pair: Pair, name: string): Change[] {
  const what = `upstreams.${name}`;
  const path: Path = ['upstreams', name];
  const pipelineOf = ({ config }: Loaded): readonly Entry[] => byName(config).get(name)?.pipeline ?? [];
  return [
    ...leafChanges(pair, path, path, what).filter((change) => !change.what.startsWith(`${what}.pipeline[`)),
    ...pipelineChanges(pair, pipelineOf(pair.before), pipelineOf(pair.after), `${what}.pipeline`),
  ];
}

/** Entries are paired by id. A change of order is a change of its own, because order is meaning here. */
function pipelineChanges(
  pair: Pair,
  before: readonly Entry[],
  after: readonly Entry[],
  what: string,
): Change[] {
  const old = new Map(before.map((entry) => [entry.id, entry]));
  const fresh = new Map(after.map((entry) => [entry.id, entry]));
  const present = after.flatMap((entry): Change[] => {
    const earlier = old.get(entry.id);
    if (earlier === undefined) return [{ sign: '+', what: `${what}.${entry.id}` }];
    return sameEntry(earlier, entry) ? [] : entryChanges(pair, earlier, entry, `${what}.${entry.id}`);
  });
  const removed = before.filter(({ id }) => !fresh.has(id));
  const order = (entries: readonly Entry[]): string =>
    `[${entries.flatMap(({ id }) => (old.has(id) && fresh.has(id) ? [id] : [])).join(', ')}]`;
  const [was, is] = [order(before), order(after)];
  return [
    ...present,
    ...removed.map(({ id }): Change => ({ sign: '-', what: `${what}.${id}` })),
    ...(was === is ? [] : [{ sign: '~' as const, what: `${what} order`, before: was, after: is }]),
  ];
}

function entryChanges(pair: Pair, before: Entry, after: Entry, what: string): Change[] {
  if (before.plugin !== after.plugin)
    return [{ sign: '~', what, before: before.plugin, after: after.plugin }];
  const blocks = before.mode !== 'enforce' && after.mode === 'enforce';
  return leafChanges(pair, before.path, after.path, what).map((change) =>
    blocks && change.what === `${what}.mode` ? { ...change, note: 'now blocks' } : change,
  );
}

function leafChanges({ before, after }: Pair, oldPath: Path, newPath: Path, what: string): Change[] {
  const sides = [
    { document: before.document, path: oldPath },
    { document: after.document, path: newPath },
  ] as const;
  return changedLeaves(...sides).map((change): Change => {
    const { key } = change;
    const below = key === '' || key.startsWith('[') ? key : `.${key}`;
    if ('sign' in change) return { sign: change.sign, what: `${what}${below}` };
    return { sign: '~', what: `${what}${below}`, before: change.before, after: change.after };
  });
}
