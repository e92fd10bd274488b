// Proofs that others can check without the log: that an entry is in it, that it only grew. The text of a proof of
// inclusion is that of C2SP tlog-proof: the entry itself in base64, its index, hashes, and a signed checkpoint.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Checkpoint, readCheckpoint } from '../checkpoint.ts';
import { EntryReader } from '../entry.ts';
import { entryHashes } from '../grown.ts';
import { base64, fromBase64, fromHex, type Hash, hex, isSame } from '../hash.ts';
import { LATEST } from '../keeping.ts';
import { isSignedBy, type Note, readNote, verifierOf } from '../note.ts';
import { TileReader } from '../tiles.ts';
import {
  consistencyProof,
  inclusionProof,
  isConsistent,
  isIncluded,
  leafOf,
  nodeOf,
  rootAt,
} from '../tree.ts';
import { entriesFrom, fieldsOf } from './reading.ts';
import type { Told } from './told.ts';
import { Advised } from './trust-of.ts';

const FORMAT = 'c2sp.org/tlog-proof@v1';

interface Signed {
  readonly text: string;
  readonly note: Note;
  readonly checkpoint: Checkpoint;
}

function signed(text: string): Signed {
  const note = readNote(text);
  return { text, note, checkpoint: readCheckpoint(note.text) };
}

/** The last checkpoint of a log. */
function latest(directory: string): Signed {
  try {
    return signed(readFileSync(join(directory, LATEST), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Advised(
      `${directory} has no checkpoint`,
      'a log of level 0 proves nothing to others; one that has just begun has its first within a second',
    );
  }
}

/** How many entries the last checkpoint covers. @throws Error where there is none */
export const signedSize = (directory: string): number => latest(directory).checkpoint.size;

/** Nodes of the tree of a log: from its files where it has them, else from all entries. */
function nodesOf(directory: string, size: number): (level: number, index: number) => Hash {
  const tiles = new TileReader(directory);
  let rows: Hash[][] | undefined;
  const made = (level: number, index: number): Hash => {
    rows ??= [[...entryHashes(directory, 1, size)].map(leafOf)];
    for (let at = rows.length; at <= level; at++) {
      const below = rows[at - 1] ?? [];
      rows.push(
        Array.from({ length: Math.floor(below.length / 2) }, (_, pair) =>
          nodeOf(below[pair * 2] as Hash, below[pair * 2 + 1] as Hash),
        ),
      );
    }
    const node = rows[level]?.[index];
    if (!node) throw new Advised(`the log has fewer than ${size} entries`, '`sluice audit verify` says why');
    return node;
  };
  return (level, index) => {
    if (rows) return made(level, index);
    try {
      return tiles.node(level, index);
    } catch {
      return made(level, index);
    }
  };
}

/** @throws Error where there is no such entry, or no checkpoint of it yet */
export async function proofOf(directory: string, seq: number): Promise<Told & { proof: string }> {
  const { text, checkpoint } = latest(directory);
  const { size, root } = checkpoint;
  if (seq > size)
    throw new Advised(
      `the last checkpoint is of ${size} entries, and entry ${seq} is not among them`,
      'a checkpoint follows within a second where a gateway writes the log',
    );
  const [entry] = entriesFrom(directory, seq);
  if (entry?.seq !== seq)
    throw new Advised(`there is no entry ${seq}`, 'say --seq with a number that is there');
  const node = nodesOf(directory, size);
  const hashes = await inclusionProof(seq - 1, size, node);
  const leaf = leafOf(hashIn(entry.line));
  if (!isIncluded(leaf, seq - 1, size, hashes, root))
    return refuted(`entry ${seq} is not the one that was signed`, { seq });
  const head = [FORMAT, `extra ${Buffer.from(entry.line).toString('base64')}`, `index ${seq - 1}`];
  const proof = `${[...head, ...hashes.map(base64)].join('\n')}\n\n${text}`;
  const json = { version: 1, seq, entry: entry.line, size, hashes: hashes.map(base64), checkpoint: text };
  return { verdict: 'passed', text: proof, json, proof };
}

/** @throws Error where the text is no proof */
export function checkProof(proof: string, entries: string | undefined, key: string | undefined): Told {
  const { line, index, hashes, head } = readProof(proof);
  const { checkpoint, note } = signed(head);
  const seq = index + 1;
  if (key !== undefined && !isSignedBy(note, verifierOf(key)))
    return refuted('the checkpoint is not signed by the key', { seq });
  const hash = hashIn(line);
  if (fieldsOf(line).seq !== seq) return refuted(`the entry is not entry ${seq}`, { seq });
  if (!isIncluded(leafOf(hash), index, checkpoint.size, hashes, checkpoint.root))
    return refuted(`entry ${seq} is not in the log of the checkpoint`, { seq });
  const first = entries === undefined ? seq : chained(entries, line);
  if (first === undefined) return refuted(`the entries do not lead to entry ${seq}`, { seq });
  const by = key === undefined ? ', whoever signed it: say --key' : '';
  const which = first === seq ? `entry ${seq} is` : `entries ${first} to ${seq} are`;
  return {
    verdict: 'passed',
    text: `passed: ${which} in the log ${checkpoint.origin} of ${checkpoint.size} entries${by}\n`,
    json: { version: 1, verdict: 'passed', first, seq, origin: checkpoint.origin, size: checkpoint.size },
  };
}

/** Whether each line names the hash of the one before, up to the last one. @returns the number of the first */
function chained(entries: string, last: string): number | undefined {
  const lines = entries.split('\n').filter((line) => line !== '');
  if (lines.at(-1) !== last) return undefined;
  const reader = new EntryReader();
  let before: string | undefined;
  for (const line of lines) {
    const entry = reader.read(Buffer.from(line));
    if (typeof entry === 'string' || (before !== undefined && entry.previous !== before)) return undefined;
    before = entry.hash;
  }
  const { seq } = fieldsOf(lines[0] ?? '');
  return typeof seq === 'number' ? seq : undefined;
}

function readProof(text: string): { line: string; index: number; hashes: Hash[]; head: string } {
  const at = text.indexOf('\n\n');
  const [format, extra = '', index = '', ...rest] = text.slice(0, at).split('\n');
  const hashes = rest.map(fromBase64);
  const [, encoded] = /^extra ([A-Za-z0-9+/=]+)$/.exec(extra) ?? [];
  const [, number] = /^index (0|[1-9]\d{0,15})$/.exec(index) ?? [];
  if (
    at < 0 ||
    format !== FORMAT ||
    encoded === undefined ||
    number === undefined ||
    hashes.includes(undefined)
  )
    throw new Advised('this is no proof of an entry', '`sluice audit prove --seq N > FILE` writes one');
  const line = Buffer.from(encoded, 'base64').toString('utf8');
  return { line, index: Number(number), hashes: hashes as Hash[], head: text.slice(at + 2) };
}

/** The hash of an entry, made from its line. @throws Error where the line is none */
function hashIn(line: string): Hash {
  const entry = new EntryReader().read(Buffer.from(line));
  const hash = typeof entry === 'string' ? undefined : fromHex(entry.hash);
  if (!hash)
    throw new Advised('the entry is not what was written', '`sluice audit verify` looks at all of it');
  return hash;
}

/** That the log at the older checkpoint is the beginning of that at the newer one. */
export async function consistency(
  directory: string,
  older: string,
  newer: string | undefined,
  key: string | undefined,
): Promise<Told> {
  const old = signed(older);
  const now = newer === undefined ? latest(directory) : signed(newer);
  const verifier = key === undefined ? undefined : verifierOf(key);
  for (const [name, { note }] of [['older', old] as const, ['newer', now] as const])
    if (verifier && !isSignedBy(note, verifier))
      return refuted(`the ${name} checkpoint is not signed by the key`, {});
  if (old.checkpoint.origin !== now.checkpoint.origin)
    return refuted(`they are of two logs: ${old.checkpoint.origin} and ${now.checkpoint.origin}`, {});
  const [from, to] = [old.checkpoint.size, now.checkpoint.size];
  if (from > to) return refuted(`the older one is of ${from} entries, the newer one of ${to}`, { from, to });
  const node = nodesOf(directory, to);
  const hashes = await consistencyProof(from, to, node);
  const { root } = now.checkpoint;
  const isGrown = isConsistent({ old: old.checkpoint, size: to, root }, hashes);
  const json = { version: 1, from, to, origin: now.checkpoint.origin, hashes: hashes.map(base64) };
  if (!isGrown) return refuted(`${from} entries are not the beginning of the ${to}`, json);
  if (!isSame(await rootAt(to, node), root))
    return refuted(`the log here is not that of the newer one`, json);
  return {
    verdict: 'passed',
    text: `passed: the log of ${from} entries is the beginning of that of ${to}\n${hashes.map((each) => `  ${hex(each)}\n`).join('')}`,
    json: { ...json, verdict: 'passed' },
  };
}

function refuted(reason: string, json: object): Told & { proof: string } {
  return {
    verdict: 'tampered',
    text: `tampered: ${reason}\n`,
    json: { version: 1, ...json, verdict: 'tampered', reason },
    proof: '',
  };
}
