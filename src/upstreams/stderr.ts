// What a process writes to stderr: free text for people. Logged line by line up to a rate, without secrets, never
// parsed; the last of it is kept to explain an end.

import type { Log } from '../core/log.ts';
import type { Mask } from '../lib/mask.ts';

/** A line beyond this is logged in pieces, characters. */
const PIECE = 8_192;
/** Lines kept for the end, and characters of each. */
const KEPT = 5;
const KEPT_CHARACTERS = 500;

export interface StderrOptions {
  /** Bytes logged per second. */
  readonly perSecond: () => number;
  readonly mask: Mask;
  readonly log: Log;
  /** Milliseconds of any origin. */
  readonly now: () => number;
}

export class Stderr {
  readonly #o: StderrOptions;
  readonly #decoder = new TextDecoder();
  readonly #last: string[] = [];
  #rest = '';
  #second = 0;
  #spent = 0;

  constructor(options: StderrOptions) {
    this.#o = options;
  }

  /** The last lines, oldest first. */
  get last(): readonly string[] {
    return this.#last;
  }

  push(chunk: Uint8Array): void {
    const second = Math.floor(this.#o.now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#spent = 0;
    }
    const perSecond = this.#o.perSecond();
    const room = perSecond - this.#spent;
    this.#spent += chunk.length;
    if (room < 0) return;
    this.#take(this.#decoder.decode(chunk.subarray(0, room), { stream: true }));
    if (this.#spent <= perSecond) return;
    this.#piece();
    // What is left may be the beginning of a secret whose end is not read.
    this.#rest = '';
    this.#o.log.warn('stderr is more than limits.stderr; the rest of this second is not logged');
  }

  /** There is no more. */
  end(): void {
    const rest = this.#rest + this.#decoder.decode();
    this.#rest = '';
    this.#tell(this.#o.mask(rest));
  }

  #take(text: string): void {
    this.#rest += text;
    const end = this.#rest.lastIndexOf('\n');
    if (end >= 0) {
      const whole = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end + 1);
      this.#tell(this.#o.mask(whole));
    }
    if (this.#rest.length > PIECE + this.#o.mask.longest) this.#piece();
  }

  /** Logs of an unfinished line what cannot be the beginning of a secret. */
  #piece(): void {
    const masked = this.#o.mask(this.#rest);
    const sure = Math.max(0, masked.length - this.#o.mask.longest);
    this.#rest = masked.slice(sure);
    this.#tell(masked.slice(0, sure));
  }

  #tell(text: string): void {
    const shown = text.trim();
    if (shown === '') return;
    this.#o.log.debug('stderr', { text: shown });
    for (const line of shown.split(/\r?\n/)) {
      if (line.trim() !== '') this.#last.push(line.slice(0, KEPT_CHARACTERS));
      if (this.#last.length > KEPT) this.#last.shift();
    }
  }
}
