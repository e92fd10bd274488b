// How soon a process that keeps dying may be started again.

import { GatewayError } from '../core/errors.ts';

export interface Restarts {
  /** It ended without being told to. */
  died(): void;
  /**
   * How long to wait before the next start, milliseconds.
   * @throws GatewayError UPSTREAM_UNAVAILABLE when it died too often lately
   */
  wait(): number;
}

const FIRST_MS = 250;
const LONGEST_MS = 10_000;

/** @param max deaths allowed within `within` milliseconds */
export function createRestarts(upstream: string, max: number, within: number, now: () => number): Restarts {
  let deaths: number[] = [];
  const recent = (): number => {
    deaths = deaths.filter((at) => now() - at < within);
    return deaths.length;
  };
  return {
    died: () => void deaths.push(now()),
    wait() {
      const count = recent();
      if (count > max) {
        throw new GatewayError(
          'UPSTREAM_UNAVAILABLE',
          `The upstream "${upstream}" ended ${count} times within ${within} ms and is not started again for now.`,
          { upstream },
        );
      }
      if (count < 2) return 0;
      const wait = Math.min(FIRST_MS * 2 ** (count - 2), LONGEST_MS);
      return Math.round(wait * (0.5 + Math.random() / 2));
    },
  };
}
