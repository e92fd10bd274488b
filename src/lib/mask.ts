// Takes known values out of free text, in the forms in which programs write them.

const MASK = '••••';
/** Shorter ones are words and numbers that stand everywhere. */
const SHORTEST = 4;

export interface Mask {
  /** The text without the values. */
  (text: string): string;
  /** Characters of the longest form of a value: so much of a text that goes on may be the beginning of one. */
  readonly longest: number;
}

/** @param values never shown: as they are, a line of several, in JSON, in a URL, in Base64 */
export function createMask(values: readonly string[]): Mask {
  const forms = new Set(values.flatMap(formsOf).filter((form) => form.length >= SHORTEST));
  // The longest first: a value may be the beginning of another.
  const sorted = [...forms].sort((a, b) => b.length - a.length);
  const mask = (text: string): string => sorted.reduce((rest, form) => rest.replaceAll(form, MASK), text);
  return Object.assign(mask, { longest: sorted[0]?.length ?? 0 });
}

function formsOf(value: string): string[] {
  const lines = value.split(/\r?\n/);
  const bytes = Buffer.from(value);
  return [
    value,
    ...lines,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    bytes.toString('base64'),
  ];
}
