// The key file as a running gateway knows it: looked at before each use, read when it changed. What cannot be read
// says nothing of any key: nobody gets in by it, and nobody is told that a good key is bad.

import { statSync } from 'node:fs';
import type { Log } from '../../src/plugin.ts';
import type { KeyEntry } from './key-entry.ts';
import { readKeys } from './key-file.ts';
import { WhileInForce } from './proofs.ts';

/** Between two looks while nobody calls, for streams whose key is ended; no limit on anybody, so nothing to be set. */
const LOOK_EVERY = 500;
/** Between two tries to read a file that could not be read. */
const TRY_EVERY = 1_000;

interface Known {
  readonly entry: KeyEntry;
  /** Ready to be compared, so that an id that is known takes no longer than one that is not. */
  readonly digest: Buffer;
}

interface Watched {
  readonly was: string;
  readonly ends: AbortController;
}

/** For proofs by an entry that nobody goes by any more. */
const OVER = AbortSignal.abort(new Error('API keys are not taken any more'));

export class LiveKeys {
  /** The entries whose configuration holds now. */
  readonly inForce = new WhileInForce(() => this.#endAll());
  readonly #file: string;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #watched = new Map<string, Watched>();
  readonly #timer: ReturnType<typeof setInterval>;
  #keys: ReadonlyMap<string, Known>;
  #stamp: string;
  /** When reading failed last, of which file, and why. */
  #failed: { readonly at: number; readonly stamp: string; readonly reason: string } | undefined;

  /** @throws KeyFileError when the file cannot be read: a gateway does not begin with it */
  constructor(file: string, log: Log, now: () => number) {
    this.#file = file;
    this.#log = log;
    this.#now = now;
    this.#stamp = stampOf(file);
    this.#keys = byId(readKeys(file));
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY);
  }

  /** Whether the file, as it is now, can say which keys there are. */
  get isKnown(): boolean {
    this.#look();
    return this.#failed === undefined;
  }

  /** The key of that id, as the last look found it. */
  find(id: string): Known | undefined {
    return this.#keys.get(id);
  }

  /** Aborts when a key is revoked, gone, or good for something else than it was. */
  ends(key: KeyEntry): AbortSignal {
    const known = this.#watched.get(key.id);
    if (known) return known.ends.signal;
    if (!this.inForce.isInForce) return OVER;
    const ends = new AbortController();
    this.#watched.set(key.id, { was: JSON.stringify(key), ends });
    return ends.signal;
  }

  /** Nothing runs any more that goes by the file. */
  close(): void {
    clearInterval(this.#timer);
    this.#endAll();
  }

  #endAll(): void {
    for (const { ends } of this.#watched.values()) ends.abort(new Error('API keys are not taken any more'));
    this.#watched.clear();
  }

  #look(): void {
    const stamp = stampOf(this.#file);
    const failed = this.#failed;
    const isTried = !failed || Math.abs(this.#now() - failed.at) < TRY_EVERY;
    if (stamp === (failed ?? { stamp: this.#stamp }).stamp && isTried) return;
    try {
      this.#keys = byId(readKeys(this.#file));
      this.#stamp = stamp;
      if (this.#failed) this.#log.info('API keys can be read again', { file: this.#file });
      this.#failed = undefined;
    } catch (error) {
      this.#fail(stamp, error instanceof Error ? error.message : String(error));
      return;
    }
    this.#endChanged();
  }

  #fail(stamp: string, reason: string): void {
    if (this.#failed?.reason !== reason)
      this.#log.error('API keys cannot be read, so none is accepted', { file: this.#file, reason });
    this.#failed = { at: this.#now(), stamp, reason };
  }

  #endChanged(): void {
    for (const [id, { was, ends }] of this.#watched) {
      const key = this.#keys.get(id)?.entry;
      if (key !== undefined && JSON.stringify(key) === was) continue;
      this.#watched.delete(id);
      ends.abort(new Error('the API key is not what it was'));
    }
  }
}

function byId(keys: readonly KeyEntry[]): Map<string, Known> {
  return new Map(keys.map((entry) => [entry.id, { entry, digest: digestIn(entry) }]));
}

function digestIn({ digest }: KeyEntry): Buffer {
  return Buffer.from(digest.slice('sha256:'.length), 'hex');
}

/** Whatever is done to a file changes one of these. */
function stampOf(file: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : '';
  }
}
