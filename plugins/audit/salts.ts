// The salts of digests, beside the log: lines of `REQUEST SALT` in a file for each file of the log. Whoever removes one
// has made the digests of its requests mute for ever; the log is as whole as before.

import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Most characters that wait: what is more is lost while the disk takes nothing. */
const MOST = 4_194_304;

export class Salts {
  #waiting = '';
  #writing: Promise<void> | undefined;

  constructor(
    readonly directory: string,
    /** They are no part of what the log proves: what is lost of them fails no call. */
    readonly onFault: (error: unknown) => void,
  ) {}

  /** Of the first that an entry was written with; in memory until `flush`. */
  keep(request: string, salt: Uint8Array): void {
    if (this.#waiting.length > MOST) this.onFault(new Error('too many salts wait'));
    else this.#waiting += `${request} ${Buffer.from(salt).toString('hex')}\n`;
  }

  /** Writes what waits, beside that file of the log. */
  flush(segment: string): void {
    if (this.#waiting === '' || this.#writing) return;
    const text = this.#waiting;
    this.#waiting = '';
    const file = join(this.directory, segment.replace('segment-', 'salts-').replace('.jsonl', '.txt'));
    this.#writing = appendFile(file, text, { mode: 0o600 })
      .catch(this.onFault)
      .then(() => {
        this.#writing = undefined;
      });
  }

  async close(segment: string): Promise<void> {
    await this.#writing;
    this.flush(segment);
    await this.#writing;
  }
}
