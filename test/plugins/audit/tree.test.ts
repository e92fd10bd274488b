// The tree against the published vectors, and all its proofs over all small trees: good ones pass, no other does.
import { expect, test } from 'bun:test';
import { hex, sha256 } from '../../../plugins/audit/hash.ts';
import {
  consistencyProof,
  Frontier,
  inclusionProof,
  isConsistent,
  isIncluded,
  leafOf,
  nodeOf,
  rootAt,
} from '../../../plugins/audit/tree.ts';

const SIZE = 40;
const leaves = Array.from({ length: SIZE }, (_, n) => leafOf(sha256(String(n))));
const at = (level: number, index: number): Uint8Array =>
  level === 0
    ? (leaves[index] as Uint8Array)
    : nodeOf(at(level - 1, index * 2), at(level - 1, index * 2 + 1));
const roots = [new Frontier().root()];
const grown = new Frontier();
for (const leaf of leaves) {
  grown.append(leaf);
  roots.push(grown.root());
}
const root = (size: number) => roots[size] as Uint8Array;

test('roots are those of RFC 6962, whose test vectors other implementations share', () => {
  const entries = [
    '',
    '00',
    '10',
    '2021',
    '3031',
    '40414243',
    '5051525354555657',
    '606162636465666768696a6b6c6d6e6f',
  ];
  const tree = new Frontier();
  const found = [hex(tree.root())];
  for (const entry of entries) {
    // Leaves of the vectors are texts, not hashes.
    tree.append(sha256(Buffer.from(`00${entry}`, 'hex')));
    found.push(hex(tree.root()));
  }
  expect([found[0], found[1], found[7], found[8]]).toEqual([
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ]);
});

test('a tree that goes on from its parts is the same tree', () => {
  const half = new Frontier();
  for (const leaf of leaves.slice(0, 23)) half.append(leaf);
  const rest = new Frontier(half.size, half.parts);
  for (const leaf of leaves.slice(23)) rest.append(leaf);
  expect(hex(rest.root())).toBe(hex(root(SIZE)));
});

test('that an entry is in a tree: its own proof alone shows it', async () => {
  for (let size = 1; size <= SIZE; size++) {
    expect(hex(await rootAt(size, at))).toBe(hex(root(size)));
    for (let index = 0; index < size; index++) {
      const proof = await inclusionProof(index, size, at);
      const leaf = leaves[index] as Uint8Array;
      expect(isIncluded(leaf, index, size, proof, root(size))).toBe(true);
      expect(isIncluded(leaves[(index + 1) % SIZE] as Uint8Array, index, size, proof, root(size))).toBe(
        false,
      );
      expect(isIncluded(leaf, index, size, proof, root(size - 1))).toBe(false);
      if (proof.length > 0) expect(isIncluded(leaf, index, size, proof.slice(1), root(size))).toBe(false);
    }
  }
});

test('that a tree is the beginning of another one', async () => {
  for (let size = 1; size <= SIZE; size++) {
    for (let old = 0; old <= size; old++) {
      const proof = await consistencyProof(old, size, at);
      const known = { size: old, root: root(old) };
      expect(isConsistent({ old: known, size, root: root(size) }, proof)).toBe(true);
      if (old === 0) continue;
      const forged = { size: old, root: root(old - 1) };
      expect(isConsistent({ old: forged, size, root: root(size) }, proof)).toBe(false);
      if (old < size) expect(isConsistent({ old: known, size, root: root(size - 1) }, proof)).toBe(false);
    }
  }
});
