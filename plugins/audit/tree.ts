// The Merkle tree of RFC 6962 §2.1 over the hashes of entries: roots, proofs that an entry is in a tree, proofs that
// one tree is the beginning of another. Leaves are SHA-256(0x00 ‖ hash of the entry).

import { type Hash, isSame, sha256 } from './hash.ts';

const pair = Buffer.alloc(65);
pair[0] = 1;
const single = Buffer.alloc(33);

export function leafOf(entry: Hash): Hash {
  single.set(entry, 1);
  return sha256(single);
}

export function nodeOf(left: Hash, right: Hash): Hash {
  pair.set(left, 1);
  pair.set(right, 33);
  return sha256(pair);
}

export const EMPTY: Hash = sha256('');

/** A tree that only grows, by the roots of its complete parts. */
export class Frontier {
  /** Roots of complete subtrees, the largest first: one for each bit of the size. */
  readonly #parts: Hash[];
  #size: number;

  constructor(size = 0, parts: readonly Hash[] = []) {
    this.#size = size;
    this.#parts = [...parts];
  }

  get size(): number {
    return this.#size;
  }

  append(leaf: Hash): void {
    this.#parts.push(leaf);
    this.#size++;
    for (let rest = this.#size; rest % 2 === 0; rest /= 2) {
      const right = this.#parts.pop() as Hash;
      const left = this.#parts.pop() as Hash;
      this.#parts.push(nodeOf(left, right));
    }
  }

  /** Roots of complete subtrees, the largest first. */
  get parts(): readonly Hash[] {
    return this.#parts;
  }

  root(): Hash {
    const [last, ...larger] = this.#parts.toReversed();
    return last === undefined ? EMPTY : larger.reduce((right, left) => nodeOf(left, right), last);
  }
}

/** The root of the complete subtree of `2^level` leaves that is its `index`th of this size. */
export type NodeAt = (level: number, index: number) => Hash | Promise<Hash>;

/** The largest power of two below `size`. */
function split(size: number): number {
  let half = 1;
  while (half * 2 < size) half *= 2;
  return half;
}

/** The root of the leaves from `start` on, `size` many. `start` is a multiple of the power of two not below `size`. */
async function rootOf(start: number, size: number, at: NodeAt): Promise<Hash> {
  const level = Math.log2(size);
  if (Number.isInteger(level)) return at(level, start / size);
  const half = split(size);
  return nodeOf(await rootOf(start, half, at), await rootOf(start + half, size - half, at));
}

export const rootAt = (size: number, at: NodeAt): Promise<Hash> =>
  size === 0 ? Promise.resolve(EMPTY) : rootOf(0, size, at);

/** RFC 6962 §2.1.1: what proves that leaf `index` is in the tree of `size`, from the leaf up. */
export async function inclusionProof(index: number, size: number, at: NodeAt): Promise<Hash[]> {
  const path = async (start: number, length: number): Promise<Hash[]> => {
    if (length === 1) return [];
    const half = split(length);
    return index < start + half
      ? [...(await path(start, half)), await rootOf(start + half, length - half, at)]
      : [...(await path(start + half, length - half)), await rootOf(start, half, at)];
  };
  return path(0, size);
}

/** RFC 9162 §2.1.3.2. */
export function isIncluded(
  leaf: Hash,
  index: number,
  size: number,
  proof: readonly Hash[],
  root: Hash,
): boolean {
  if (index >= size) return false;
  let fn = index;
  let sn = size - 1;
  let hash = leaf;
  for (const each of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeOf(each, hash);
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else hash = nodeOf(hash, each);
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && isSame(hash, root);
}

/** RFC 6962 §2.1.2: what proves that the tree of `old` leaves is the beginning of that of `size`. */
export async function consistencyProof(old: number, size: number, at: NodeAt): Promise<Hash[]> {
  const path = async (start: number, length: number, rest: number, isWhole: boolean): Promise<Hash[]> => {
    if (rest === length) return isWhole ? [] : [await rootOf(start, length, at)];
    const half = split(length);
    return rest <= half
      ? [...(await path(start, half, rest, isWhole)), await rootOf(start + half, length - half, at)]
      : [...(await path(start + half, length - half, rest - half, false)), await rootOf(start, half, at)];
  };
  return old === 0 || old === size ? [] : path(0, size, old, true);
}

interface Grown {
  readonly old: { readonly size: number; readonly root: Hash };
  readonly size: number;
  readonly root: Hash;
}

/** RFC 9162 §2.1.4.2. */
export function isConsistent({ old, size, root }: Grown, proof: readonly Hash[]): boolean {
  if (old.size > size) return false;
  if (old.size === size) return proof.length === 0 && isSame(old.root, root);
  if (old.size === 0) return proof.length === 0;
  const isPower = Number.isInteger(Math.log2(old.size));
  const [first, ...rest] = isPower ? [old.root, ...proof] : proof;
  if (first === undefined) return false;
  let fn = old.size - 1;
  let sn = size - 1;
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  let before = first;
  let after = first;
  for (const each of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      before = nodeOf(each, before);
      after = nodeOf(each, after);
      while (fn % 2 === 0 && fn !== 0) {
        fn = Math.floor(fn / 2);
        sn = Math.floor(sn / 2);
      }
    } else after = nodeOf(after, each);
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 && isSame(before, old.root) && isSame(after, root);
}
