// The entries of a pipeline, set up: plugin found or loaded, options checked, hooks made.

import { readFileSync } from 'node:fs';
import type { Diagnostic } from '../config/diagnostic.ts';
import type { ConfigDocument } from '../config/document.ts';
import { readOptions } from '../config/options.ts';
import type { Entry } from '../config/schema.ts';
import { messageOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { checkAnswerHeaders } from '../core/http-answer.ts';
import { IntegrityError } from '../core/integrity.ts';
import { type AnyPlugin, asHooks, type Hooks, type PluginHost } from '../core/plugin.ts';
import type { Step } from '../core/step.ts';
import { digest } from '../lib/digest.ts';
import { checkEntry } from './entry-check.ts';
import type { Scope } from './keep.ts';
import { loadPlugin, type Run, setUp as setUpLoaded } from './load.ts';
import { endpointMatcher, matcher } from './match.ts';
import { ownFiles } from './modules.ts';
import { disposeInTime, type SetupTime, setUpInTime } from './setup-time.ts';

export interface StepsParts {
  readonly document: ConfigDocument;
  readonly plugins: Readonly<Record<string, AnyPlugin>>;
  readonly host: Host;
  readonly stateDir: string | undefined;
  readonly scope: Scope;
  /** As `PluginHost` has it. */
  readonly replaced: AbortSignal;
  /** How long a plugin may take to load, to set up and to be disposed, milliseconds. */
  readonly setupTime: number;
  /** Called for everything to be undone when the generation ends. Latest first. */
  onDispose(dispose: () => void | Promise<void>): void;
}

/** A step and what `sluice explain` says of it. */
export interface SetUp extends Step {
  readonly plugin: string;
  readonly about: string;
  /** For a plugin of the user: its file, and a digest of it and the files it imports. */
  readonly file: { readonly path: string; readonly digest: string } | undefined;
}

/** Sets entries up in order. What fails is reported at the entry's line, and the rest is still looked at. */
export async function setUp(
  entries: readonly Entry[],
  upstream: string | undefined,
  parts: StepsParts,
): Promise<{ steps: SetUp[]; diagnostics: Diagnostic[] }> {
  const steps: SetUp[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const entry of entries) {
    if (entry.mode === 'off') continue;
    const made = await one(entry, upstream, parts);
    if (Array.isArray(made)) diagnostics.push(...made);
    else steps.push(made);
  }
  return { steps, diagnostics };
}

async function one(
  entry: Entry,
  upstream: string | undefined,
  parts: StepsParts,
): Promise<SetUp | Diagnostic[]> {
  const { document, host } = parts;
  const fault = (message: string): Diagnostic[] => [
    document.at(entry.path, { code: 'PLUGIN_SETUP', message }),
  ];
  const found = await find(entry, parts).catch((error: unknown) => fault(messageOf(error)));
  if (Array.isArray(found)) return found;
  const options = readOptions(document, entry, found.plugin.schema);
  if (!options.ok) return [...options.diagnostics];
  const problems = await look(entry, options.value, upstream, found, parts);
  if (problems.length > 0) return problems;
  try {
    const time = timeOf(entry, upstream, parts);
    const made = () => found.setUp(options.value, pluginHost(entry, upstream, parts));
    const hooks = await setUpInTime(made, time);
    if (hooks.dispose) parts.onDispose(() => disposeInTime(() => hooks.dispose?.(), time));
    const { id, mode, onError, timeout } = entry;
    const { name, about } = found.plugin;
    const enforced = mode === 'shadow' ? 'shadow' : 'enforce';
    const scope = { applies: matcher(entry.when), covers: endpointMatcher(entry.when) };
    return { id, plugin: name, about, file: found.file, hooks, mode: enforced, onError, timeout, ...scope };
  } catch (error) {
    host.log.debug('plugin setup failed', { plugin: entry.id, error: messageOf(error) });
    if (error instanceof IntegrityError) {
      const { message, hint } = error;
      return [document.at(entry.path, { code: 'PLUGIN_INTEGRITY', message, hint })];
    }
    return fault(`the plugin refused to start: ${messageOf(error)}`);
  }
}

/** What the plugin's own check refuses; what it only warns of is for the log. */
async function look(
  { path, id }: Entry,
  options: unknown,
  upstream: string | undefined,
  { plugin, run }: Found,
  { document, stateDir, host, setupTime }: StepsParts,
): Promise<Diagnostic[]> {
  const entry = { path, plugin, options, upstream, ...(run && { run }) };
  const found = await checkEntry(entry, { document, stateDir, now: host.now, time: setupTime });
  for (const { severity, message, hint, file, line } of found)
    if (severity === 'warning') host.log.warn(message, { plugin: id, file, line, ...(hint && { hint }) });
  return found.filter(({ severity }) => severity === 'error');
}

interface Found {
  readonly plugin: AnyPlugin;
  readonly file: SetUp['file'];
  readonly run?: Run;
  setUp(options: unknown, host: PluginHost): Promise<Hooks>;
}

/** @throws Error when a plugin file cannot be loaded */
async function find(entry: Entry, parts: StepsParts): Promise<Found> {
  const plugin = parts.plugins[entry.plugin];
  if (plugin)
    return {
      plugin,
      file: undefined,
      setUp: async (options, host) => asHooks(await plugin.setup(options, host)),
    };
  const loaded = await loadPlugin(entry.plugin, {
    deadline: parts.setupTime,
    onStray: (error, path) =>
      parts.host.log.error('plugin failed outside of its hooks', { plugin: path, error: messageOf(error) }),
  });
  parts.onDispose(() => loaded.dispose());
  const code = ownFiles(entry.plugin).map((path) => `${path}\n${readFileSync(path, 'utf8')}`);
  const file = { path: entry.plugin, digest: digest(code.join('\n')) };
  const { run } = loaded;
  return { plugin: loaded.plugin, file, run, setUp: (options, host) => setUpLoaded(loaded, options, host) };
}

function pluginHost(entry: Entry, upstream: string | undefined, parts: StepsParts): PluginHost {
  const { host, scope } = parts;
  const time = timeOf(entry, upstream, parts);
  return {
    id: entry.id,
    upstream,
    mode: entry.mode === 'shadow' ? 'shadow' : 'enforce',
    log: host.log.with({ plugin: time.place }),
    now: host.now,
    stateDir: parts.stateDir,
    count: (event, { kind = '', reason = '' } = {}, by = 1) =>
      host.metrics.pluginEvents.inc({ plugin: entry.id, event, kind, reason }, by),
    level: (what, value) => host.metrics.pluginLevel.set({ plugin: entry.id, what }, value),
    took: (what, ms) => host.metrics.pluginSeconds.observe({ plugin: entry.id, what }, ms / 1_000),
    hide: (value, until) => host.hide?.(value, until),
    limitHit: (limit) => host.metrics.limitHits.inc({ limit }),
    fail: (fault) => host.fail?.(fault),
    answerHeaders: answering(entry, time.place, host),
    replaced: parts.replaced,
    keep: (key, make, dispose) =>
      scope.keep(
        `plugin ${time.place} ${key}`,
        make,
        dispose && ((value) => disposeInTime(() => dispose(value), time)),
      ),
  };
}

/** `PluginHost.answerHeaders` of an entry. Of two that give the same header the first is heard, and the log says so. */
function answering({ mode }: Entry, place: string, host: Host): PluginHost['answerHeaders'] {
  const told = new Set<string>();
  return ({ inbound, id }, headers, rank) => {
    if (mode === 'shadow') return checkAnswerHeaders(headers);
    for (const [header, by] of inbound.answer?.offer(headers, place, rank) ?? []) {
      if (told.has(header)) continue;
      told.add(header);
      const fields = { plugin: place, header, by, requestId: id };
      host.log.warn('the answer has this header from another plugin already', fields);
    }
  };
}

function timeOf({ id }: Entry, upstream: string | undefined, { host, setupTime }: StepsParts): SetupTime {
  return { place: upstream === undefined ? id : `${upstream}/${id}`, ms: setupTime, host };
}
