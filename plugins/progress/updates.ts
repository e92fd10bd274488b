// The updates of one exchange at a pace: the newest waits, those it replaces are left out, the last always arrives.

import { type Emit, type Exchange, identityKey, type Log, type McpNotification } from '../../src/plugin.ts';
import type { Quota } from './quota.ts';

export interface Pace {
  /** Least time between two updates of a token, milliseconds. */
  readonly every: number;
  /** Most updates a second of all calls of a principal. */
  readonly rate: number;
  readonly quota: Quota;
  readonly log: Log;
  now(): number;
  /** The quota kept one back. */
  overQuota(): void;
}

/** Least time after which one that was kept back by the quota tries again. */
const AGAIN_MS = 50;

/** What is known of one progress token. */
interface Track {
  sentAt: number;
  /** The newest update, while it waits. */
  held?: McpNotification | undefined;
  timer?: Timer | undefined;
  /** The client's backpressure for what a timer sent. */
  sending?: Promise<void> | undefined;
  hasGoneBack?: boolean;
}

/** The highest value so far, by token as JSON text: `1` and `"1"` are two. */
export type Highest = Map<string, number>;

export class Updates {
  readonly #tracks = new Map<string, Track>();
  /** Whose quota it goes by. */
  readonly #whose: string;
  #isOver = false;

  constructor(
    readonly pace: Pace,
    readonly x: Exchange,
    readonly emit: Emit,
    readonly highest: Highest,
  ) {
    this.#whose = identityKey(x.principal);
  }

  /** @returns the update to pass on now, or null when it waits or is left out */
  take(note: McpNotification, progress: number): McpNotification | null {
    if (this.#isOver) return null;
    const token = note.raw?.raw('progressToken') ?? '';
    const track = this.#track(token);
    const highest = this.highest.get(token) ?? Number.NEGATIVE_INFINITY;
    if (progress < highest) return this.#goneBack(track, highest, progress);
    this.highest.set(token, progress);
    if (!track.held && !track.sending && this.#rest(track) <= 0) {
      const wait = this.#quota();
      if (wait === 0) {
        track.sentAt = this.pace.now();
        return note;
      }
      this.#arm(track, wait);
    }
    track.held = note;
    this.#wait(track);
    return null;
  }

  /** The result is here: sends what waits. @returns what has to be waited for before the result may go */
  finish(): Promise<void>[] {
    this.end();
    return [...this.#tracks.values()].flatMap((track) => {
      const before = track.sending ?? [];
      if (track.held) this.#send(track);
      return [before, track.sending ?? []].flat();
    });
  }

  /** No timer runs and nothing is sent from here on. */
  end(): void {
    this.#isOver = true;
    for (const track of this.#tracks.values()) clearTimeout(track.timer);
  }

  #track(token: string): Track {
    const known = this.#tracks.get(token);
    if (known) return known;
    const track = { sentAt: Number.NEGATIVE_INFINITY };
    this.#tracks.set(token, track);
    return track;
  }

  /** Milliseconds until the next update may go; a wall clock that was set back must not stop them. */
  #rest(track: Track): number {
    return Math.min(this.pace.every, track.sentAt + this.pace.every - this.pace.now());
  }

  /** @returns how long the principal's other updates keep this one back, milliseconds */
  #quota(): number {
    const { quota, rate, now, overQuota } = this.pace;
    const wait = quota.take(this.#whose, rate, now());
    if (wait === 0) return 0;
    overQuota();
    // Of many that wait one gets what is free next: the others must not all look again at once, over and over.
    return Math.max(wait, this.pace.every, AGAIN_MS);
  }

  #wait(track: Track): void {
    if (this.#isOver || track.timer || track.sending) return;
    this.#arm(track, this.#rest(track));
  }

  #arm(track: Track, ms: number): void {
    track.timer = setTimeout(() => this.#due(track), Math.max(0, ms));
  }

  #due(track: Track): void {
    track.timer = undefined;
    const wait = track.held ? this.#quota() : 0;
    if (wait > 0) this.#arm(track, wait);
    else this.#send(track);
  }

  #send(track: Track): void {
    const { held } = track;
    track.held = undefined;
    if (!held || this.x.signal.aborted) return;
    track.sentAt = this.pace.now();
    const sending = this.#quietly(held)?.then(() => {
      if (track.sending === sending) track.sending = undefined;
      if (track.held) this.#wait(track);
    });
    track.sending = sending;
  }

  /** Progress that cannot be delivered is no reason to fail a call. */
  #quietly(note: McpNotification): Promise<void> | undefined {
    const failed = (error: unknown): void =>
      this.pace.log.debug('progress not delivered', { requestId: this.x.id, error: String(error) });
    try {
      return this.emit(note)?.catch(failed);
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  #goneBack(track: Track, from: number, to: number): null {
    // Once per token is enough to find the server that does it, and does not fill the log.
    const level = track.hasGoneBack ? 'debug' : 'warn';
    track.hasGoneBack = true;
    this.pace.log[level]('progress went back, left out', { requestId: this.x.id, from, to });
    return null;
  }
}
