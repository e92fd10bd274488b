// Whether the log that is written continues one that somebody saw before.

import type { Checkpoint } from '../checkpoint.ts';
import { DeliveryFault } from '../delivery/fault.ts';
import { type Hash, isSame } from '../hash.ts';
import { TileReader } from '../tiles.ts';
import { consistencyProof, rootAt } from '../tree.ts';

/** Nodes of the tree as it is on disk now. */
const nodes = (directory: string) => new TileReader(directory).node;

/** @throws Error where the tree on disk does not reach so far */
export function proofOf(directory: string, old: number, size: number): Promise<Hash[]> {
  return consistencyProof(old, size, nodes(directory));
}

/**
 * @param seen what somebody saw
 * @param size how many entries the log has now
 * @throws DeliveryFault where the log is not that one any more
 */
export async function requireGrowth(
  directory: string,
  seen: Checkpoint,
  size: number,
  by: string,
): Promise<void> {
  if (seen.size > size) throw rolledBack(by, seen.size, size);
  const root = await rootAt(seen.size, nodes(directory));
  if (!isSame(root, seen.root)) throw forked(by, seen.size);
}

export function rolledBack(by: string, seen: number, size: number): DeliveryFault {
  return new DeliveryFault(
    `${by} has seen ${seen} entries, and the log has ${size}: it was cut off, or an old copy put back`,
    'rollback',
  );
}

export function forked(by: string, seen: number): DeliveryFault {
  return new DeliveryFault(`the first ${seen} entries are not those that ${by} has seen`, 'fork');
}
