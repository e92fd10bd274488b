// The tree of a log as it is on disk, to go on with or to look something up in.

import { join } from 'node:path';
import { fromHex, type Hash, isSame } from './hash.ts';
import { linesOf, segmentsOf } from './segments.ts';
import { TileReader } from './tiles.ts';
import { Frontier, leafOf } from './tree.ts';

/** The tree of the first `size` entries. @param node gives the roots of its complete parts */
export function frontierOf(size: number, node: (level: number, index: number) => Hash): Frontier {
  const parts: Hash[] = [];
  for (let done = 0; done < size; ) {
    let level = Math.floor(Math.log2(size - done));
    while (2 ** level > size - done) level--;
    parts.push(node(level, done / 2 ** level));
    done += 2 ** level;
  }
  return new Frontier(size, parts);
}

/** Hashes of entries as the log has them, unchecked. */
export function* entryHashes(directory: string, from: number, to: number): Generator<Hash> {
  const segments = segmentsOf(directory);
  const start = segments.findLastIndex(({ first }) => first <= from);
  for (const { first, name } of segments.slice(Math.max(0, start))) {
    let seq = first;
    for (const { bytes } of linesOf(join(directory, name))) {
      if (seq > to) return;
      const at = bytes.indexOf('"entry_hash":"');
      const hash = fromHex(bytes.toString('latin1', at + 14, at + 78));
      if (seq++ >= from && hash) yield hash;
    }
  }
}

/**
 * The first entry from `from` to `to` that is another one than the tree on disk has.
 * @returns undefined where that tree does not tell: it agrees, or is not there
 */
export function firstOther(directory: string, from: number, to: number): number | undefined {
  const tiles = new TileReader(directory);
  let seq = from;
  try {
    for (const hash of entryHashes(directory, from, to)) {
      if (!isSame(tiles.node(0, seq - 1), leafOf(hash))) return seq;
      seq++;
    }
  } catch {
    // The tree on disk went as well, or does not reach so far.
  }
  return undefined;
}
