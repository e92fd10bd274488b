// The tree on disk (C2SP tlog-tiles): files of 256 hashes each, which hold the nodes of every eighth level. The last
// one of a level is partial until it is full. All of them can be made again from the log.

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Hash, isSame } from './hash.ts';
import { nodeOf } from './tree.ts';

export const WIDTH = 256;
const HASH = 32;

/** `tile/0/x001/067` and, with 12 of 256 hashes, `tile/0/x001/067.p/12`. */
export function tilePath(level: number, index: number, width = WIDTH): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0');
  const groups = digits.match(/\d{3}/g) ?? [];
  const name = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${name}${width === WIDTH ? '' : `.p/${width}`}`;
}

/** The tiles at the right edge, and those that become full. */
export class Tiles {
  /** By level: the hashes of the tile that is not full. */
  readonly #edges: Hash[][] = [[]];
  /** By level: how many tiles are full. */
  readonly #full: number[] = [0];
  /** By level: the partial tile on disk. */
  readonly #written: (string | undefined)[] = [];
  /** Full, and not on disk yet. */
  #ready: { readonly path: string; readonly hashes: readonly Hash[] }[] = [];

  constructor(
    readonly directory: string,
    /** How many leaves it has, and what gives them; only those of the tiles at the edge are asked for. */
    size = 0,
    node: (level: number, index: number) => Hash = () => {
      throw new Error('an empty tree has no nodes');
    },
  ) {
    for (let level = 0, count = size; count > 0 || level === 0; level++, count = Math.floor(count / WIDTH)) {
      const full = Math.floor(count / WIDTH);
      this.#full[level] = full;
      this.#edges[level] = Array.from({ length: count % WIDTH }, (_, at) => node(level, full * WIDTH + at));
    }
  }

  /** How many leaves it has. */
  get size(): number {
    return (this.#full[0] ?? 0) * WIDTH + (this.#edges[0]?.length ?? 0);
  }

  append(leaf: Hash): void {
    this.#put(0, leaf);
  }

  /** Writes what is new. @throws what the file system says */
  flush(): void {
    for (const { path, hashes } of this.#ready) this.#write(path, hashes);
    this.#ready = [];
    for (const [level, hashes] of this.#edges.entries()) {
      const before = this.#written[level];
      const index = this.#full[level] ?? 0;
      const path = hashes.length > 0 ? tilePath(level, index, hashes.length) : undefined;
      if (path === before) continue;
      if (path !== undefined) this.#write(path, hashes);
      // A full tile, or a longer part of the same, says what it said.
      if (before !== undefined) rmSync(join(this.directory, before), { force: true });
      this.#written[level] = path;
    }
  }

  #put(level: number, hash: Hash): void {
    const edge = this.#edges[level] ?? [];
    this.#edges[level] = edge;
    edge.push(hash);
    if (edge.length < WIDTH) return;
    const index = this.#full[level] ?? 0;
    this.#ready.push({ path: tilePath(level, index), hashes: edge });
    this.#full[level] = index + 1;
    this.#edges[level] = [];
    this.#put(level + 1, wholeRoot(edge));
  }

  #write(path: string, hashes: readonly Hash[]): void {
    const file = join(this.directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, Buffer.concat(hashes), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
}

/** The root of hashes whose number is a power of two. */
export function wholeRoot(hashes: readonly Hash[]): Hash {
  let row = [...hashes];
  while (row.length > 1)
    row = Array.from({ length: row.length / 2 }, (_, at) =>
      nodeOf(row[at * 2] as Hash, row[at * 2 + 1] as Hash),
    );
  return row[0] as Hash;
}

/** Nodes of a tree on disk, of any level: what proofs are made of. */
export class TileReader {
  readonly #tiles = new Map<string, Hash[]>();

  constructor(readonly directory: string) {}

  /** @throws Error when the tile with it is not there, or has another length than its name says */
  node = (level: number, index: number): Hash => {
    const tileLevel = Math.floor(level / 8);
    const height = level % 8;
    const first = index * 2 ** height;
    const tile = this.#tile(tileLevel, Math.floor(first / WIDTH));
    const from = first % WIDTH;
    const hashes = tile.slice(from, from + 2 ** height);
    if (hashes.length < 2 ** height) throw new Error(`the tree on disk does not reach leaf ${first}`);
    return wholeRoot(hashes);
  };

  #tile(level: number, index: number): Hash[] {
    const path = tilePath(level, index);
    const known = this.#tiles.get(path);
    if (known) return known;
    const hashes = readTile(this.directory, path);
    if (this.#tiles.size > 256) this.#tiles.clear();
    this.#tiles.set(path, hashes);
    return hashes;
  }
}

/** A tile, or the longest part of it that is there. */
export function readTile(directory: string, path: string): Hash[] {
  const whole = tryRead(join(directory, path), WIDTH);
  if (whole) return whole;
  const widths = partsOf(join(directory, `${path}.p`));
  const width = Math.max(...widths);
  const part = widths.length > 0 ? tryRead(join(directory, `${path}.p/${width}`), width) : undefined;
  if (!part) throw new Error(`${path} is missing`);
  return part;
}

function partsOf(directory: string): number[] {
  try {
    return readdirSync(directory)
      .filter((name) => /^[1-9]\d{0,2}$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function tryRead(file: string, width: number): Hash[] | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  if (bytes.length !== width * HASH)
    throw new Error(`${file} has ${bytes.length} bytes, not ${width * HASH}`);
  return Array.from({ length: width }, (_, at) => new Uint8Array(bytes.subarray(at * HASH, (at + 1) * HASH)));
}

/** Whether two rows of hashes are the same, and where they begin to differ. */
export function differsAt(a: readonly Hash[], b: readonly Hash[]): number | undefined {
  const length = Math.max(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const left = a[at];
    const right = b[at];
    if (left === undefined || right === undefined || !isSame(left, right)) return at;
  }
  return undefined;
}
