// What a plugin finds wrong with an entry before it is set up: its `check`, run in time, placed in the file.

import type { Diagnostic } from '../config/diagnostic.ts';
import type { ConfigDocument } from '../config/document.ts';
import { problemDiagnostics } from '../config/options.ts';
import { valueAt } from '../config/place.ts';
import type { Path } from '../config/schema.ts';
import { messageOf } from '../core/errors.ts';
import type { AnyPlugin, EntryPlace } from '../core/plugin.ts';
import { settledWithin } from '../lib/settled.ts';
import type { Run } from './load.ts';

export interface CheckedEntry {
  /** `Entry.path`. */
  readonly path: Path;
  readonly plugin: Pick<AnyPlugin, 'check'>;
  /** As the schema gives them. */
  readonly options: unknown;
  readonly upstream: string | undefined;
  /** Calls code of the plugin; that of built-in plugins is called as it is. */
  readonly run?: Run;
}

export interface CheckWorld {
  readonly document: ConfigDocument;
  readonly stateDir: string | undefined;
  readonly now: () => number;
  /** Whether others may be asked over the network. */
  readonly connect?: boolean;
  /** Longest wait, milliseconds: `limits.plugin_setup`. */
  readonly time: number;
}

/** Never rejects: a check that fails is a problem of the entry. */
export async function checkEntry(
  { path, plugin, options, upstream, run = (fn) => fn() }: CheckedEntry,
  { document, stateDir, now, connect, time }: CheckWorld,
): Promise<Diagnostic[]> {
  const { check } = plugin;
  if (check === undefined) return [];
  const place: EntryPlace = { upstream, urls: urlsOf(document, upstream), stateDir, now, connect };
  const fault = (why: string): Diagnostic[] => [
    document.at(path, { code: 'PLUGIN_SETUP', message: `the plugin could not check its options: ${why}` }),
  ];
  try {
    const checking = Promise.resolve(run(() => check.call(plugin, options, place)));
    if (!(await settledWithin(checking, time)))
      return fault(`it took longer than limits.plugin_setup (${time} ms)`);
    return problemDiagnostics(document, path, await checking);
  } catch (error) {
    return fault(messageOf(error));
  }
}

function urlsOf(document: ConfigDocument, upstream: string | undefined): string[] {
  if (upstream === undefined) return [];
  const at = (field: string) => valueAt(document.values(), ['upstreams', upstream, field]);
  return [at('url'), at('urls')].flat().filter((url) => typeof url === 'string');
}
