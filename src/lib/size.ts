// Sizes as people write them: `4MiB`, `512B`. Knows nothing of the configuration that holds them.

const UNITS = {
  B: 1,
  kB: 1_000,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
} as const;
const WHOLE = /^(\d+(?:\.\d+)?)(B|kB|KB|MB|GB|KiB|MiB|GiB)$/;

/** The grammar as a pattern for JSON Schema. */
export const SIZE_PATTERN = WHOLE.source;

/**
 * Reads a size. `text` is `<number><unit>`: B, kB/MB/GB (powers of 1000) or KiB/MiB/GiB (powers of 1024).
 * @returns whole bytes; `undefined` when the text is not a size or names a fraction of a byte.
 */
export function parseSize(text: string): number | undefined {
  const match = text.length > 64 ? null : WHOLE.exec(text);
  if (match === null) return undefined;
  const bytes = Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
