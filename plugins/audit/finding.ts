// What a look at a log comes to: what is wrong with it, what vouches for it, what was repaired.

import type { Kind } from './chain.ts';

export interface Finding {
  /** The first entry that is not what was written; of files beside the log, the entry they speak of. */
  readonly seq: number;
  readonly kind: Kind;
  readonly detail: string;
  /** Where the first entry cannot be told: it is one from `seq` up to this. */
  readonly upTo?: number | undefined;
  /** Name within the log's directory. */
  readonly file?: string | undefined;
  /** Bytes from the beginning of the file. */
  readonly offset?: number | undefined;
}

/** An entry of the type `repair`: what `sluice audit repair` took out, as it wrote it down. */
export interface Repair {
  readonly seq: number;
  readonly at: string | undefined;
  readonly kind: string;
  /** Entries that were there and are lost to the log. */
  readonly lostFrom: number | undefined;
  readonly lostTo: number | undefined;
  /** Where what was taken out lies, within the log's directory. */
  readonly aside: string | undefined;
  readonly detail: string;
}

export interface Vouching {
  /** The last entry it covers, 0 for none. */
  readonly upTo: number;
  /** The key or the file it rests on. */
  readonly by: string | undefined;
}

export interface Report {
  readonly directory: string;
  /** `unable`: there is nothing to judge, or too little to judge by. */
  readonly verdict: 'passed' | 'tampered' | 'unable';
  /** Why it is `unable`. */
  readonly reason?: string | undefined;
  /** The first that is wrong first. */
  readonly findings: readonly Finding[];
  readonly origin: string | undefined;
  /** The first entry that was read, 1 unless the look began later. */
  readonly first: number;
  /** The last entry that is what was written, as far as is known. */
  readonly last: number;
  readonly segments: number;
  readonly checkpoints: number;
  /** Checkpoints signed with a key that is trusted. */
  readonly signed: Vouching;
  /** The log's own word for its key, where nobody gave one. */
  readonly isOwnKey: boolean;
  /** What is kept outside of the log's directory. Beyond it, cutting entries off would not show. */
  readonly anchored: Vouching;
  /** Entries behind the last anchor that are more than checkpoints. */
  readonly unanchored: number;
  readonly repairs: readonly Repair[];
  /** Entries that found no room and were not written, as the log says. */
  readonly lost: number;
  /** How often a file was taken away or replaced while it was written, as the log says. */
  readonly incidents: number;
  readonly notes: readonly string[];
}
