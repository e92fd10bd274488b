// How long to leave a place alone that took nothing: twice as long each time, and never the same for two that fail at
// once.

export interface Backoff {
  /** Milliseconds: the first wait, and the longest. */
  readonly from: number;
  readonly to: number;
}

/**
 * @param failures how many in a row, 1 or more
 * @param random from 0 to 1
 */
export function waitAfter(failures: number, { from, to }: Backoff, random: number, asked = 0): number {
  const doubled = Math.min(to, from * 2 ** Math.min(failures - 1, 30));
  return Math.max(asked, Math.round(doubled * (0.5 + random / 2)));
}
