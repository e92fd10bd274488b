// An entry of the log: one canonical line that holds the hash of the one before it, and its own. The hash of an entry
// is that of its line without the member `entry_hash` and the comma behind it.

import { type Flat, membersOf, objectOf } from './canonical.ts';
import { type Hash, hex, sha256 } from './hash.ts';

/** The version of the format, docs/audit-format.md. */
export const VERSION = 1;

const OWN_NAME = 'entry_hash';

/** Longest line, bytes. Fields are cut long before; a longer one is no entry. */
export const LONGEST = 65_536;

export interface Entry {
  readonly seq: number;
  /** Without the line break. */
  readonly line: string;
  readonly hash: Hash;
}

/** What the first entry of a log has for the hash of the one before: no other log begins with it. */
export function genesis(origin: string): Hash {
  return sha256(`sluice-audit-v${VERSION}\n${origin}\n`);
}

/** @throws TypeError of a field that is no text, whole number or boolean */
export function makeEntry(fields: Flat, seq: number, previous: Hash): Entry {
  const members = membersOf({ ...fields, v: VERSION, seq, prev_hash: hex(previous) });
  const hash = sha256(objectOf(members));
  const at = members.findIndex(({ name }) => name > OWN_NAME);
  members.splice(at, 0, { name: OWN_NAME, text: `"${OWN_NAME}":"${hex(hash)}"` });
  return { seq, line: objectOf(members), hash };
}

/** An entry as it was read, its hash checked. */
export interface Read {
  readonly seq: number;
  readonly previous: string;
  readonly hash: string;
}

const OWN = Buffer.from(`"${OWN_NAME}":"`);
const PREVIOUS = Buffer.from('"prev_hash":"');
const SEQ = Buffer.from('"seq":');
const HASH_LENGTH = 64;

/** Reads many entries, one after the other, in one piece of memory. */
export class EntryReader {
  readonly #scratch = Buffer.allocUnsafe(LONGEST);

  /**
   * The members that make the chain.
   * @returns why it is no entry: `syntax` of what has no such members, `hash` of what has been changed
   */
  read(line: Buffer): Read | 'syntax' | 'hash' {
    // A quotation mark within a text has a backslash before it, so these stand where members begin and nowhere else.
    const own = line.indexOf(OWN);
    const previous = line.indexOf(PREVIOUS);
    const seq = line.indexOf(SEQ);
    if (own < 0 || previous < 0 || seq < 0 || line.length > LONGEST) return 'syntax';
    const at = own + OWN.length;
    const hash = line.toString('latin1', at, at + HASH_LENGTH);
    const after = at + HASH_LENGTH + 2;
    if (line.toString('latin1', after - 2, after) !== '",') return 'syntax';
    line.copy(this.#scratch, 0, 0, own);
    line.copy(this.#scratch, own, after);
    const actual = Bun.CryptoHasher.hash(
      'sha256',
      this.#scratch.subarray(0, line.length - (after - own)),
      'hex',
    );
    if (actual !== hash) return 'hash';
    const from = previous + PREVIOUS.length;
    return {
      seq: numberAt(line, seq + SEQ.length),
      previous: line.toString('latin1', from, from + HASH_LENGTH),
      hash,
    };
  }
}

/** @returns NaN where there is no whole number without leading zeros */
function numberAt(line: Buffer, start: number): number {
  let value = 0;
  let at = start;
  for (; at < line.length; at++) {
    const digit = (line[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  const isClean = at > start && line[start] !== 0x30 && Number.isSafeInteger(value);
  return isClean ? value : Number.NaN;
}
