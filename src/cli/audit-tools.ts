// What the plugin `audit` lends to `sluice audit` for its work on logs, and what that hands to it. Must not know how a
// log is written.

/** `tampered`: something is not what was written. `unable`: that cannot be told. */
export type Verdict = 'passed' | 'tampered' | 'unable';

/** What a look comes to: for people, and for programs. Texts hold what clients chose. */
export interface Told {
  readonly verdict: Verdict;
  readonly text: string;
  readonly json: object;
}

export interface VerifyWanted {
  /** `NAME+ID+KEY`; none: the logs' own word for it. */
  readonly keys: readonly string[];
  readonly from?: number | undefined;
  /** Texts of files that were kept elsewhere, by their names. */
  readonly anchors: ReadonlyMap<string, string>;
  /** Keys of witnesses: what one of them cosigned counts as kept elsewhere. */
  readonly witnesses: readonly string[];
  /** What `stamps` gave. */
  readonly stamped?: ReadonlyMap<string, string> | undefined;
  readonly requireAnchor: boolean;
}

export interface SearchWanted {
  /** The index; it is made where it is not there. */
  readonly index: string;
  readonly rebuild: boolean;
  /** Milliseconds since the epoch. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Columns and what is wanted of them; one of several each. */
  readonly is: ReadonlyMap<SearchColumn, readonly string[]>;
  /** A name, or what entries have for it. */
  readonly principal?: string | undefined;
  /** Who may vouch for it. */
  readonly issuers: readonly string[];
  readonly limit: number;
}

export type SearchColumn =
  | 'tenant'
  | 'name'
  | 'upstream'
  | 'method'
  | 'decision'
  | 'status'
  | 'req_id'
  | 'type';

/** One entry: its line, and as people read it. */
export interface ShownEntry {
  readonly line: string;
  readonly text: string;
}

export interface ExportWanted {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly format: 'jsonl' | 'csv';
}

export interface RepairPlan {
  /** Nothing is to be done. */
  readonly isWhole: boolean;
  readonly text: string;
  readonly json: object;
}

/** All throw an Error, with a `hint` where there is something to do. */
export interface AuditTools {
  /** Their names in the state directory. */
  readonly usual: { readonly directory: string; readonly keyFile: string };
  /** The public half of a log's key, as it signs for this origin. @throws Error where the file is none */
  publicKey(keyFile: string, directory: string): string | undefined;
  verify(directories: readonly string[], wanted: VerifyWanted): Told;
  /**
   * Checkpoints with a time stamp of an authority, PEM: those beside the logs, and in other directories.
   * @throws Error of one that does not hold
   */
  stamps(
    authority: string,
    logs: readonly string[],
    others: readonly string[],
  ): Promise<ReadonlyMap<string, string>>;
  tail(directory: string, lines: number): Tail;
  search(directory: string, wanted: SearchWanted, keyFile: string | undefined): Iterable<ShownEntry>;
  /**
   * Writes over the salts of a principal's calls. @param doIt false to count alone
   * @throws Error where a name is to be told and no key is there
   */
  forget(
    directory: string,
    whom: { readonly principal: string; readonly issuers: readonly string[] },
    keyFile: string | undefined,
    doIt: boolean,
  ): { readonly calls: number; readonly salts: number; readonly shared: number };
  /** A text that proves that the entry is in the log, to whoever has the log's key. */
  prove(directory: string, seq: number): Promise<Told & { readonly proof: string }>;
  checkProof(proof: string, entries: string | undefined, key: string | undefined): Told;
  consistency(
    directory: string,
    older: string,
    newer: string | undefined,
    key: string | undefined,
  ): Promise<Told>;
  /** How many entries the last checkpoint covers. */
  signedSize(directory: string): number;
  export(directory: string, wanted: ExportWanted): Iterable<string>;
  plan(directory: string, wanted: VerifyWanted): RepairPlan;
  /** @throws Error while a gateway has the log */
  repair(directory: string, wanted: VerifyWanted, keyFile: string | undefined): Promise<Told>;
}

/** The last entries of a log, and those that come. */
export interface Tail {
  /** What there is since the last look. */
  next(): Iterable<ShownEntry>;
}
