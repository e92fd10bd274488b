// `--watch`: tells when one of some files changed. Watches their directories, because editors and Kubernetes replace
// files instead of writing into them; what the directory says is checked against the content.

import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { dirname } from 'node:path';

const QUIET_MS = 100;

/**
 * Calls `changed` once things are quiet after a change of any of the files' content. `files` is asked again after
 * each change.
 * @returns what ends the watching
 */
export function watchFiles(files: () => readonly string[], changed: () => void): () => void {
  let contents = read(files());
  const watchers = new Map<string, FSWatcher>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = (): void => {
    timer = undefined;
    const now = read(files());
    const differs =
      now.size !== contents.size || [...now].some(([file, hash]) => contents.get(file) !== hash);
    contents = now;
    if (differs) changed();
    follow();
  };
  const touched = (): void => {
    clearTimeout(timer);
    timer = setTimeout(look, QUIET_MS);
  };
  const follow = (): void => {
    const wanted = new Set(files().map((file) => dirname(file)));
    for (const [dir, watcher] of watchers) {
      if (wanted.has(dir)) continue;
      watcher.close();
      watchers.delete(dir);
    }
    for (const dir of wanted) {
      const watcher = watchers.has(dir) ? undefined : open(dir, touched, () => watchers.delete(dir));
      if (watcher !== undefined) watchers.set(dir, watcher);
    }
  };
  follow();
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers.values()) watcher.close();
    watchers.clear();
  };
}

function open(dir: string, touched: () => void, gone: () => void): FSWatcher | undefined {
  try {
    return watch(dir, touched).on('error', gone);
  } catch {
    return undefined;
  }
}

function read(files: readonly string[]): Map<string, string> {
  return new Map(files.map((file) => [file, fingerprint(file)]));
}

function fingerprint(file: string): string {
  try {
    return Bun.hash(readFileSync(file)).toString(16);
  } catch {
    return 'absent';
  }
}
