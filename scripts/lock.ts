// Reads bun.lock: which packages the dependencies of the product lead to. Knows nothing of what the list is for.
import { join } from 'node:path';

/** One installed package. `key` is its place in node_modules: NAME, or PARENT/NAME where a parent has its own. */
export interface Locked {
  readonly key: string;
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
  /** Keys of the packages it uses, those that are installed. */
  readonly uses: readonly string[];
}

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
}
type Entry = readonly [id: string, registry: string, manifest: Manifest, integrity: string];
interface LockFile {
  readonly workspaces: { readonly '': Manifest };
  readonly packages: Readonly<Record<string, Entry>>;
}

/** The direct dependencies' keys, and everything they lead to, sorted. Development dependencies are left out. */
export async function lockedDependencies(root: string): Promise<{ direct: string[]; all: Locked[] }> {
  const lock = Bun.JSONC.parse(await Bun.file(join(root, 'bun.lock')).text()) as unknown as LockFile;
  const direct = Object.keys(lock.workspaces[''].dependencies ?? {}).sort();
  const found = new Map<string, Locked>();
  const waiting = [...direct];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    const entry = lock.packages[key];
    if (entry === undefined || found.has(key)) continue;
    const locked = describe(key, entry, lock);
    found.set(key, locked);
    waiting.push(...locked.uses);
  }
  return { direct, all: [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1)) };
}

function describe(key: string, [id, , manifest, integrity]: Entry, lock: LockFile): Locked {
  const at = id.lastIndexOf('@');
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  const uses = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })
    .map((name) => resolve(key, name, lock))
    .filter((used) => used !== undefined)
    .sort();
  return { key, name: id.slice(0, at), version: id.slice(at + 1), integrity, uses };
}

/** As node_modules folders are searched: beside the user, then beside each of its parents, then at the top. */
function resolve(user: string, name: string, lock: LockFile): string | undefined {
  const parents = user.match(/(@[^/]+\/)?[^/]+/g) ?? [];
  for (let depth = parents.length; depth >= 0; depth -= 1) {
    const key = [...parents.slice(0, depth), name].join('/');
    if (key in lock.packages) return key;
  }
  return undefined;
}
