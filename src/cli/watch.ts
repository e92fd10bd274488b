// Tells when the content of some files changed: of the configuration with `--watch`, of what its references stand for
// always. Watches directories, because editors, Kubernetes and systemd replace files, and links on the way to them,
// instead of writing into them; what a directory says is checked against the content.

import { type FSWatcher, lstatSync, readFileSync, readlinkSync, statSync, watch } from 'node:fs';
import { basename, join, parse, relative, resolve, sep } from 'node:path';

const QUIET_MS = 100;
/** Where it is never quiet. */
const LATEST_MS = 1_000;
/** As systems have it. */
const MOST_LINKS = 40;
/** Beyond, a file is known by its size and times: no secret is as long. */
const LONGEST = 4 * 1024 * 1024;

/**
 * Calls `changed` once things are quiet after a change of any of the files' content. `files` is asked again after
 * each change.
 * @returns what ends the watching
 */
export function watchFiles(files: () => readonly string[], changed: () => void): () => void {
  let contents = read(files());
  const watchers = new Map<string, FSWatcher>();
  let names: Trail = new Map();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let since = 0;
  const look = (): void => {
    timer = undefined;
    const now = read(files());
    const differs =
      now.size !== contents.size || [...now].some(([file, hash]) => contents.get(file) !== hash);
    contents = now;
    if (differs) changed();
    follow();
  };
  const touched = (dir: string, name: string | null): void => {
    if (name !== null && names.get(dir)?.has(name) === false) return;
    const at = performance.now();
    if (timer === undefined) since = at;
    clearTimeout(timer);
    timer = setTimeout(look, Math.max(0, Math.min(QUIET_MS, since + LATEST_MS - at)));
  };
  const follow = (): void => {
    names = trailOf(files());
    // A directory that another one has taken the place of has another identity.
    const wanted = new Map([...names.keys()].map((dir) => [`${identity(dir)} ${dir}`, dir]));
    for (const [key, watcher] of watchers) {
      if (wanted.has(key)) continue;
      watcher.close();
      watchers.delete(key);
    }
    const before = watchers.size;
    for (const [key, dir] of wanted) {
      if (watchers.has(key)) continue;
      const gone = (): void => void watchers.delete(key);
      const watcher = open(dir, (name) => touched(dir, name), gone);
      if (watcher !== undefined) watchers.set(key, watcher);
    }
    // What changed before they were there, nobody told.
    if (watchers.size > before) timer ??= setTimeout(look, QUIET_MS);
  };
  follow();
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers.values()) watcher.close();
    watchers.clear();
  };
}

/** Directories, and the names in them whose change may lead to another content. */
type Trail = Map<string, Set<string>>;

function trailOf(files: readonly string[]): Trail {
  const found: Trail = new Map();
  for (const file of files) walk(resolve(file), found, MOST_LINKS);
  return found;
}

/** Every link on the way to a file, and the file itself, or what is missing on the way. */
function walk(path: string, found: Trail, links: number): void {
  const { root } = parse(path);
  const steps = relative(root, path).split(sep);
  let dir = root;
  for (const [at, name] of steps.entries()) {
    const here = join(dir, name);
    const kind = kindOf(here);
    const isLast = at === steps.length - 1;
    if (kind !== 'other' || isLast) found.set(dir, (found.get(dir) ?? new Set()).add(name));
    if (kind === 'missing') return;
    if (kind === 'link') {
      const target = resolve(dir, readlinkSync(here), ...steps.slice(at + 1));
      if (links > 0) walk(target, found, links - 1);
      return;
    }
    dir = here;
  }
}

function kindOf(path: string): 'link' | 'missing' | 'other' {
  try {
    return lstatSync(path).isSymbolicLink() ? 'link' : 'other';
  } catch {
    return 'missing';
  }
}

function identity(dir: string): string {
  try {
    const { dev, ino } = statSync(dir);
    return `${dev}:${ino}`;
  } catch {
    return 'absent';
  }
}

function open(dir: string, touched: (name: string | null) => void, gone: () => void): FSWatcher | undefined {
  try {
    return watch(dir, (_, name) => touched(name === null ? null : basename(name))).on('error', gone);
  } catch {
    return undefined;
  }
}

function read(files: readonly string[]): Map<string, string> {
  return new Map(files.map((file) => [file, fingerprint(file)]));
}

/** A pipe would be waited for, and emptied. */
function fingerprint(file: string): string {
  try {
    const stat = statSync(file);
    if (!stat.isFile()) return 'no file';
    return stat.size > LONGEST ? `${stat.size} ${stat.mtimeMs}` : Bun.hash(readFileSync(file)).toString(16);
  } catch {
    return 'absent';
  }
}
