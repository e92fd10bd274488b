// Rates as people write them: `60/m`. Knows nothing of what is counted or of how a limiter works.

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const WHOLE = /^(\d+(?:\.\d+)?)\/(s|m|h|d)$/;

/** The grammar as a pattern for JSON Schema. */
export const RATE_PATTERN = WHOLE.source;

/** `count` events (may be a fraction, always above 0) in every `per` milliseconds. */
export interface Rate {
  readonly count: number;
  readonly per: number;
}

/**
 * Reads a rate. `text` is `<count>/<unit>`, units s, m, h, d.
 * @returns the rate; `undefined` when the text is not a rate or the count is 0 or beyond 2^53.
 */
export function parseRate(text: string): Rate | undefined {
  const match = text.length > 64 ? null : WHOLE.exec(text);
  if (match === null) return undefined;
  const count = Number(match[1]);
  if (!(count > 0) || count > Number.MAX_SAFE_INTEGER) return undefined;
  return { count, per: UNITS[match[2] as keyof typeof UNITS] };
}
