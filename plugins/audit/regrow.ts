// The tree of a log that is opened: from what the state kept of it, from the files of the tree, else from all entries.

import { entryHashes } from './grown.ts';
import { fromHex, type Hash } from './hash.ts';
import type { State } from './state.ts';
import { TileReader, Tiles, WIDTH } from './tiles.ts';
import { Frontier, leafOf } from './tree.ts';

const HEX = 64;

export interface Grown {
  readonly tree: Frontier;
  readonly tiles: Tiles | undefined;
}

export interface Growth {
  readonly directory: string;
  readonly state: State;
  /** Of the last entries, which were read already; at least of those behind the state. */
  readonly leaves: readonly Hash[];
  /** The last entry. */
  readonly size: number;
  /** Entries that the files of the tree reach to at least; undefined where there are to be none. */
  readonly onDisk: number | undefined;
}

export function grow(growth: Growth): Grown {
  const { directory, state, onDisk } = growth;
  const tree = frontierOf(state) ?? new Frontier();
  for (const leaf of leavesBehind(tree.size, growth)) tree.append(leaf);
  if (onDisk === undefined) return { tree, tiles: undefined };
  const tiles = tilesFrom(directory, wholeTiles(onDisk)) ?? new Tiles(directory);
  for (const leaf of leavesBehind(tiles.size, growth)) tiles.append(leaf);
  return { tree, tiles };
}

/** How many of so many leaves are in tiles that are full. */
export function wholeTiles(size: number): number {
  return Math.floor(size / WIDTH) * WIDTH;
}

function leavesBehind(seq: number, { directory, leaves, size }: Growth): Iterable<Hash> {
  const known = size - leaves.length;
  return seq >= known ? leaves.slice(seq - known) : leavesOf(directory, seq + 1, size);
}

/** @returns undefined where the state has none, or what is none of so many entries */
function frontierOf({ tree = '', seq }: State): Frontier | undefined {
  const parts = tree.match(new RegExp(`.{${HEX}}`, 'g')) ?? [];
  const hashes = parts.map(fromHex).filter((hash) => hash !== undefined);
  const wanted = seq.toString(2).replaceAll('0', '').length;
  return hashes.length === wanted && tree.length === wanted * HEX ? new Frontier(seq, hashes) : undefined;
}

/** @returns undefined where files of the tree are missing: it is made again from the beginning */
function tilesFrom(directory: string, size: number): Tiles | undefined {
  const reader = new TileReader(directory);
  try {
    return new Tiles(directory, size, (level, index) => reader.node(level * 8, index));
  } catch {
    return undefined;
  }
}

function* leavesOf(directory: string, from: number, to: number): Generator<Hash> {
  for (const hash of from > to ? [] : entryHashes(directory, from, to)) yield leafOf(hash);
}
