// A plugin from a file of the user: loaded, checked, called so that its mistakes stay its own, and let go again.
// Must not know any plugin, or gateway.yaml.

import { AsyncLocalStorage } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../core/errors.ts';
import type { Emit } from '../core/handler.ts';
import { type AnyPlugin, asHooks, asPlugin, type Hooks, type PluginHost } from '../core/plugin.ts';
import { type Graph, type OpenGraph, openGraph } from './modules.ts';

/** Calls code of a plugin. @throws Error when the plugin is gone */
export type Run = <T>(fn: () => T) => T;

export interface LoadedPlugin {
  readonly plugin: AnyPlugin;
  /**
   * Calls code of the plugin: what it opens is closed with the plugin, what it throws later is reported.
   * A promise it returns rejects at `dispose`, since what it waits for may never come.
   */
  readonly run: Run;
  /** Keeps the plugin's code at work beyond `dispose`, until the function returned is called. */
  retain(): () => void;
  /** Closes what it opened: timers, sockets, servers, child processes. Pending calls reject. */
  dispose(): void;
}

export interface LoadOptions {
  /** Gets what the plugin throws where no caller can catch it, such as in a timer. It never ends the process. */
  readonly onStray: (error: unknown, path: string) => void;
  /** Most milliseconds the file may take to load; a top-level await can take for ever. */
  readonly deadline?: number;
  readonly open?: OpenGraph;
}

/** Why a plugin file does not load. The message is one line and names the place. */
export class PluginFileError extends Error {
  override readonly name = 'PluginFileError';

  constructor(
    message: string,
    /** The plugin's file, which need not be the one at fault. */
    readonly path: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Reads a plugin file and everything it imports anew.
 * @param path absolute
 * @throws PluginFileError
 */
export async function loadPlugin(path: string, options: LoadOptions): Promise<LoadedPlugin> {
  const { onStray, deadline = 10_000, open = openGraph } = options;
  if (!(await Bun.file(path).exists())) throw new PluginFileError(`there is no file ${path}`, path);
  const graph = open((error) => onStray(error, path));
  try {
    const module = await before(deadline, graph.import(path), path);
    return living(checked(module.default, path), graph, path);
  } catch (error) {
    graph.dispose();
    throw error instanceof PluginFileError
      ? error
      : new PluginFileError(explain(error, path), path, { cause: error });
  }
}

/** Its hooks, set up, to be called like those of a built-in plugin. @throws what setup throws */
export async function setUp(loaded: LoadedPlugin, options: unknown, host: PluginHost): Promise<Hooks> {
  const hooks = await loaded.run(() => loaded.plugin.setup(options, bindHost(host, loaded)));
  return bindHooks(asHooks(hooks), loaded.run);
}

/** What stands beside the hooks. */
function saidBy({
  streams,
  passesOn,
  takes,
  perCaller,
}: Hooks): Pick<Hooks, 'streams' | 'passesOn' | 'takes' | 'perCaller'> {
  return {
    ...(takes !== undefined && { takes }),
    ...(streams !== undefined && { streams }),
    ...(passesOn !== undefined && { passesOn }),
    ...(perCaller !== undefined && { perCaller }),
  };
}

/** The same hooks, each called through `run`. What they send goes on outside of the plugin. */
function bindHooks(hooks: Hooks, run: Run): Hooks {
  const {
    onHttp,
    onCaller,
    onRequest,
    onNotification,
    onResult,
    onSend,
    onRefused,
    onClose,
    report,
    dispose,
  } = hooks;
  return {
    ...saidBy(hooks),
    ...(onHttp && { onHttp: (request, endpoints) => run(() => onHttp.call(hooks, request, endpoints)) }),
    ...(onCaller && { onCaller: (x) => run(() => onCaller.call(hooks, x)) }),
    ...(onRequest && {
      onRequest(request, x, emit) {
        const out = outside(emit);
        return run(() => onRequest.call(hooks, request, x, out));
      },
    }),
    ...(onNotification && {
      onNotification(note, x, emit) {
        const out = outside(emit);
        return run(() => onNotification.call(hooks, note, x, out));
      },
    }),
    ...(onResult && {
      onResult(result, x, emit) {
        const out = outside(emit);
        return run(() => onResult.call(hooks, result, x, out));
      },
    }),
    ...(onSend && { onSend: (outbound, x) => run(() => onSend.call(hooks, outbound, x)) }),
    ...(onRefused && { onRefused: (refusal, x) => run(() => onRefused.call(hooks, refusal, x)) }),
    ...(onClose && { onClose: (x, result) => run(() => onClose.call(hooks, x, result)) }),
    ...(report && { report: (asked) => run(() => report.call(hooks, asked)) }),
    ...(dispose && { dispose: () => run(() => dispose.call(hooks)) }),
  };
}

/** `keep` for a plugin of a file: its code stays at work as long as the value it made is kept. */
function bindHost(host: PluginHost, loaded: LoadedPlugin): PluginHost {
  return {
    id: host.id,
    upstream: host.upstream,
    mode: host.mode,
    log: host.log,
    now: () => host.now(),
    stateDir: host.stateDir,
    count: (event, labels, by) => host.count(event, labels, by),
    level: (what, value) => host.level(what, value),
    took: (what, ms) => host.took(what, ms),
    hide: (value, until) => host.hide(value, until),
    limitHit: (limit) => host.limitHit(limit),
    answerHeaders: (x, headers, rank) => host.answerHeaders(x, headers, rank),
    fail: (fault) => host.fail(fault),
    replaced: host.replaced,
    keep(key, make, dispose) {
      let release = (): void => {};
      const made = () => {
        release = loaded.retain();
        try {
          return loaded.run(make);
        } catch (error) {
          release();
          throw error;
        }
      };
      return host.keep(key, made, async (value) => {
        try {
          await loaded.run(() => dispose?.(value));
        } finally {
          release();
        }
      });
    },
  };
}

/** `emit` in the context of its caller: what the gateway opens while it sends must not end with the plugin. */
function outside(emit: Emit): Emit {
  const leave = AsyncLocalStorage.snapshot();
  return (note) => leave(emit, note);
}

function living(plugin: AnyPlugin, graph: Graph, path: string): LoadedPlugin {
  const pending = new Set<(error: Error) => void>();
  let holders = 1;
  let isDisposed = false;
  const release = (): void => {
    if (--holders === 0) graph.dispose();
  };
  return {
    plugin,
    run<T>(fn: () => T): T {
      if (holders === 0) throw new Error(`the plugin ${path} is gone`);
      const value = graph.run(fn);
      return value instanceof Promise ? (settling(value, pending) as T) : value;
    },
    retain() {
      holders++;
      let isHeld = true;
      return () => {
        if (isHeld) release();
        isHeld = false;
      };
    },
    dispose() {
      if (isDisposed) return;
      isDisposed = true;
      release();
      for (const reject of pending) reject(new Error(`the plugin ${path} was unloaded meanwhile`));
      pending.clear();
    },
  };
}

/** `value`, or a rejection by one of `pending`: a graph that is gone settles nothing. */
function settling<T>(value: Promise<T>, pending: Set<(error: Error) => void>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  pending.add(reject);
  value.then(resolve, reject).finally(() => pending.delete(reject));
  return promise;
}

async function before<T>(ms: number, value: Promise<T>, path: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = `${path} did not finish loading within ${ms} ms (does it await something at the top level?)`;
  const timer = setTimeout(() => reject(new PluginFileError(late, path)), ms);
  try {
    return await Promise.race([value, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function checked(value: unknown, path: string): AnyPlugin {
  try {
    return asPlugin(value);
  } catch (error) {
    throw new PluginFileError(`${path} ${messageOf(error)}`, path, { cause: error });
  }
}

/** One line about anything that importing a file throws. */
function explain(error: unknown, path: string): string {
  if (error instanceof AggregateError) {
    const placed = error.errors.filter(
      (each) => !(each instanceof BuildMessage) || (each.position?.line ?? 0) > 0,
    );
    return (placed.length > 0 ? placed : error.errors).map((each) => explain(each, path)).join('; ');
  }
  if (error instanceof ResolveMessage) return explainMissing(error);
  if (error instanceof BuildMessage) {
    const { position, message } = error;
    if (!position) return `${path}: ${message}`;
    const { file, line, column, lineText } = position;
    return `${file}:${line}:${column} ${message} in \`${lineText.trim()}\``;
  }
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const place = /(?:at |\()(\/(?!\$bunfs)[^()\n]*:\d+:\d+)/.exec(stack)?.[1];
  return `${place ?? path} throws while it loads: ${String(error)}`;
}

function explainMissing({ specifier, referrer }: ResolveMessage): string {
  const where = placeOf(specifier, referrer);
  if (/^(?:\.{0,2}\/|[a-z]+:)/i.test(specifier))
    return `${where} imports "${specifier}", which does not exist`;
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  return `${where} imports the package "${name}", which is not installed in ${dirname(referrer)} or above`;
}

/** Where a file mentions the specifier; the file alone when it cannot be told. */
function placeOf(specifier: string, file: string): string {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    const line = lines.findIndex(
      (text) => text.includes(`'${specifier}'`) || text.includes(`"${specifier}"`),
    );
    return line < 0 ? file : `${file}:${line + 1}:${(lines[line] ?? '').indexOf(specifier) + 1}`;
  } catch {
    return file;
  }
}
