// Whether the tree on disk is that of the entries. It is no evidence of its own: all of it can be made again.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Hash, isSame } from './hash.ts';
import { readTile, tilePath, WIDTH, wholeRoot } from './tiles.ts';

export interface WrongTile {
  /** The first leaf below what is wrong, from 0. */
  readonly leaf: number;
  readonly file: string;
  readonly detail: string;
}

export class TileCheck {
  readonly #isThere: boolean;
  /** By level: the hashes of the tile that is not full. */
  readonly #edges: Hash[][] = [[]];
  readonly #full: number[] = [0];
  /** The first that is wrong. */
  wrong: WrongTile | undefined;
  /** The first that is not there, which a log that is being written may have later. */
  #missing: WrongTile | undefined;

  /** @param size leaves that are not looked at */
  constructor(
    readonly directory: string,
    size = 0,
  ) {
    // The tree of a log that is not read from its beginning is what the look rests on.
    this.#isThere = size === 0 && existsSync(join(directory, 'tile'));
  }

  append(leaf: Hash): void {
    if (this.#isThere) this.#put(0, leaf);
  }

  /** @param vouched leaves that the last checkpoint covers, which are on disk before it is */
  finish(vouched: number): WrongTile | undefined {
    if (!this.#isThere) return undefined;
    for (const [level, hashes] of this.#edges.entries()) {
      const index = this.#full[level] ?? 0;
      const isCurrent = Math.floor(vouched / WIDTH ** (level + 1)) === index;
      const width = isCurrent ? Math.floor(vouched / WIDTH ** level) % WIDTH : 0;
      if (width > 0) this.#compare(level, index, hashes, width);
    }
    if (this.#missing && this.#missing.leaf < vouched) this.#note(this.#missing);
    return this.wrong;
  }

  #put(level: number, hash: Hash): void {
    const edge = this.#edges[level] ?? [];
    this.#edges[level] = edge;
    edge.push(hash);
    if (edge.length < WIDTH) return;
    const index = this.#full[level] ?? 0;
    this.#compare(level, index, edge, WIDTH);
    this.#full[level] = index + 1;
    this.#edges[level] = [];
    this.#put(level + 1, wholeRoot(edge));
  }

  #compare(level: number, index: number, hashes: readonly Hash[], width: number): void {
    const file = tilePath(level, index);
    const first = index * WIDTH ** (level + 1);
    let found: readonly Hash[];
    try {
      found = readTile(this.directory, file);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      const wrong = { leaf: first, file, detail };
      // Read while it became longer, it is somewhere else.
      if (detail.endsWith('is missing')) this.#missing ??= wrong;
      else this.#note(wrong);
      return;
    }
    if (found.length < width)
      this.#missing ??= { leaf: first + found.length * WIDTH ** level, file, detail: `${file} is too short` };
    const at = found.slice(0, width).findIndex((hash, index) => !isSame(hash, hashes[index] as Hash));
    if (at >= 0)
      this.#note({ leaf: first + at * WIDTH ** level, file, detail: `${file} is not what the entries give` });
  }

  #note(wrong: WrongTile): void {
    if (this.wrong === undefined || wrong.leaf < this.wrong.leaf) this.wrong = wrong;
  }
}
