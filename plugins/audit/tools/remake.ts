// Checkpoints and the tree on disk, made again from entries that are right. A checkpoint that is lost is signed anew where
// the key is at hand: an entry still says what it was of, and the same key gives the same bytes.

import { existsSync, readFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointText } from '../checkpoint.ts';
import { fromHex, type Hash, hex, isSame } from '../hash.ts';
import { CHECKPOINTS, LATEST } from '../keeping.ts';
import type { Signer } from '../note.ts';
import { TileCheck } from '../tile-check.ts';
import { Tiles } from '../tiles.ts';
import { Frontier, leafOf } from '../tree.ts';
import { Keys } from '../trust.ts';
import type { Trust } from '../verify.ts';
import { Vouchers } from '../vouchers.ts';
import { entriesFrom, type Fields, fieldsOf } from './reading.ts';

export interface Remade {
  readonly hasTiles: boolean;
  /** Checkpoints that were lost, and are there again. */
  readonly signedAnew: number;
  /** The greatest of those that stay lost. */
  readonly lostTo: number | undefined;
}

export interface Place {
  readonly directory: string;
  /** Where what is replaced goes, within it. */
  readonly aside: string;
  /** Entries that stay; they are right. */
  readonly keep: number;
  /** Whether there were more. */
  readonly isCut: boolean;
}

export async function remake(place: Place, trust: Trust, signer: Signer | undefined): Promise<Remade> {
  const { directory, keep, isCut } = place;
  const hasTiles = existsSync(join(directory, 'tile'));
  const scratch = join(directory, 'tile.new');
  await rm(scratch, { recursive: true, force: true });
  const tiles = new Tiles(scratch);
  const check = new TileCheck(directory);
  const notes = new Notes(directory, trust, signer);
  for (const { seq, line } of entriesFrom(directory, 1)) {
    if (seq > keep) break;
    const fields = fieldsOf(line);
    notes.before(fields, seq);
    const leaf = leafOf(fromHex(String(fields.entry_hash)) as Hash);
    notes.after(leaf, seq);
    check.append(leaf);
    if (hasTiles) tiles.append(leaf);
  }
  notes.close();
  await replace(place, CHECKPOINTS, notes.lines.join(''));
  await replace(place, LATEST, notes.latest);
  if (hasTiles && (isCut || check.finish(notes.size))) {
    tiles.flush();
    await rename(join(directory, 'tile'), join(directory, place.aside, 'tile'));
    await mkdir(join(scratch, 'tile'), { recursive: true });
    await rename(join(scratch, 'tile'), join(directory, 'tile'));
  }
  await rm(scratch, { recursive: true, force: true });
  return { hasTiles, signedAnew: notes.signedAnew, lostTo: notes.lostTo };
}

/** Checkpoints that are right, in order, as the log is read. */
class Notes {
  readonly lines: string[] = [];
  latest = '';
  /** Entries that the last one covers. */
  size = 0;
  signedAnew = 0;
  lostTo: number | undefined;
  readonly #keys: Keys;
  /** The last entry that names another key than that at hand: who signs behind it vouches for that key. */
  #foreign = 0;
  readonly #kept: Vouchers;
  readonly #tree = new Frontier();
  #origin = '';

  constructor(
    directory: string,
    trust: Trust,
    readonly signer: Signer | undefined,
  ) {
    this.#keys = new Keys(trust.key);
    this.#kept = new Vouchers(directory);
  }

  /** What an entry says of keys and of the checkpoint before it. */
  before({ type, key, origin, size, root }: Fields, seq: number): void {
    if (type === 'segment' && typeof origin === 'string') this.#origin = origin;
    if ((type === 'segment' || type === 'key') && typeof key === 'string') this.#keys.names(key, seq);
    if (type === 'key' && key !== this.signer?.public) this.#foreign = seq;
    if (type !== 'checkpoint' || typeof size !== 'number' || size === this.size) return;
    const text = checkpointText({ origin: this.#origin, size, root: this.#tree.root() });
    const note = this.signer && `${text}\n${this.signer.sign(text)}`;
    const isAnother = size === this.#foreign;
    if (note === undefined || isAnother || size !== seq - 1 || hex(this.#tree.root()) !== root)
      this.lostTo = size;
    else {
      this.signedAnew++;
      this.#add(note, size);
    }
  }

  /** Those of the log at its size now. */
  after(leaf: Hash, seq: number): void {
    this.#tree.append(leaf);
    for (let next = this.#kept.peek(); next && next.checkpoint.size <= seq; next = this.#kept.peek()) {
      const { checkpoint, note, text } = next;
      const isOurs = checkpoint.size === seq && checkpoint.origin === this.#origin && this.size < seq;
      if (isOurs && isSame(checkpoint.root, this.#tree.root()) && this.#keys.judge(note) !== 'foreign') {
        this.#keys.signedAt(seq);
        this.#add(text, seq);
      }
      this.#kept.take();
    }
  }

  close(): void {
    this.#kept.close();
  }

  #add(note: string, size: number): void {
    this.lines.push(`${JSON.stringify({ note })}\n`);
    this.latest = note;
    this.size = size;
  }
}

/** A file that is as it should be stays. */
async function replace({ directory, aside }: Place, name: string, text: string): Promise<void> {
  const file = join(directory, name);
  const isThere = existsSync(file);
  if (isThere ? readFileSync(file, 'utf8') === text : text === '') return;
  if (isThere) await rename(file, join(directory, aside, name));
  if (text === '') return;
  const next = await open(`${file}.new`, 'w', 0o600);
  try {
    await next.writeFile(text);
    await next.sync();
  } finally {
    await next.close();
  }
  await rename(`${file}.new`, file);
}
