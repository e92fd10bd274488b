// How soon a process that keeps dying may be started again.

import { GatewayError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Era } from '../protocol/message.ts';

export interface Restarts {
  /**
   * It ended without being told to, `why` says how.
   * @param greeting the era, if it ended while it was greeted and the other era may be tried
   * @returns whether that counts
   */
  died(why: string, greeting?: Era): boolean;
  /** It answers. */
  opened(): void;
  /**
   * How long to wait before it is started to be greeted in this era, milliseconds.
   * @throws GatewayError UPSTREAM_UNAVAILABLE when it died too often lately
   */
  wait(era: Era): number;
}

/** Durations in milliseconds. */
export interface RestartOptions {
  /** Deaths allowed within `within`. */
  readonly max: number;
  readonly within: number;
  /** Longest wait before the second restart, twice as long before each further one, up to `maxBackoff`. */
  readonly backoff: number;
  readonly maxBackoff: number;
}

/**
 * Of the two of one that ends whatever it is greeted with only
 * one counts, and none of one that ends at the first greeting and answers the second.
 */
export function createRestarts(
  upstream: string,
  { max, within, backoff, maxBackoff }: RestartOptions,
  { now, random = Math.random }: Pick<Host, 'now' | 'random'>,
): Restarts {
  /** The era of a greeting that a process ended at, while the other may yet be tried. */
  let spared: Era | undefined;
  let last = '';
  let deaths: number[] = [];
  const recent = (): number => {
    deaths = deaths.filter((at) => now() - at < within);
    return deaths.length;
  };
  return {
    died(why, greeting) {
      last = why;
      if (greeting !== undefined && spared === undefined) {
        spared = greeting;
        return false;
      }
      if (greeting !== spared) spared = undefined;
      deaths.push(now());
      return true;
    },
    opened() {
      spared = undefined;
    },
    wait(era) {
      // The second try of one start.
      if (spared !== undefined && spared !== era) return 0;
      const count = recent();
      if (count > max) {
        throw new GatewayError(
          'UPSTREAM_UNAVAILABLE',
          `The upstream "${upstream}" ended ${count} times within ${within} ms and is not started again for now; the last one ${last}.`,
          { upstream },
        );
      }
      if (count < 2) return 0;
      const wait = Math.min(backoff * 2 ** (count - 2), maxBackoff);
      return Math.round(wait * (0.5 + random() / 2));
    },
  };
}
