// A result that is passed on while it comes: what of it is there is known, the rest is read once.

import type { Changes } from './message.ts';
import type { RawObject } from './raw.ts';

/** A result that was to be held whole and is longer than the limit for that. */
export interface TooLong {
  readonly upstream: string;
  /** Most bytes that are held, and how many there were when that was too much. */
  readonly limit: number;
  readonly seen: number;
}

/** How the reading ended. */
export interface RestEnd {
  /** Bytes of the answer that came. */
  readonly bytes: number;
  /** Why it is not whole; undefined when it is. */
  readonly error: Error | undefined;
}

/** The bytes of a result, most of which are still to come. Whoever gets one reads it or cancels it. */
export interface Rest {
  /** The whole object as JSON text, with what `with` changed. To be iterated once. @throws Error where it breaks off */
  bytes(): AsyncIterable<Uint8Array>;
  /** Held after all. @returns what it is not when it is longer than is held; then it can still be read by `bytes` */
  whole(): Promise<RawObject | TooLong>;
  /** Members replaced or left out, as `RawObject.with` has it; new ones stand in front. */
  with(changes: Changes): Rest;
  /** Leaves a member out unless it is an object. */
  objectOnly(key: string): Rest;
  /**
   * Nobody reads it any more, or nobody is to. Harmless where it has ended.
   * @param error why; without it, because the caller wants it no more
   */
  cancel(error?: Error): void;
  /** Since when nothing came that could have come (`performance.now`); undefined while its reader holds it up. */
  readonly quietSince: number | undefined;
  /** Since when its reader has taken nothing of what is there; undefined while it waits for more. */
  readonly heldSince: number | undefined;
  /** Never rejects. */
  readonly done: Promise<RestEnd>;
}
