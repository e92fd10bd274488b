// Generated JSON texts, nastier than JSON.stringify writes them, and an independent judge of what to accept.
// Used by the tests of src/protocol/raw.ts only.

import fc from 'fast-check';
import type { JsonLimits } from '../../../src/protocol/raw.ts';

export const AMPLE: JsonLimits = { depth: 1000, keys: 1_000_000, string: 10_000_000 };

export const space = fc
  .array(fc.constantFrom(' ', '\t', '\n', '\r'), { maxLength: 3 })
  .map((units) => units.join(''));

const plainUnit = fc
  .integer({ min: 0x20, max: 0xffff })
  .map((c) => String.fromCharCode(c))
  .filter((c) => c !== '"' && c !== '\\');
const stringUnit = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'é', '{', '}', '[', ']', ':', ',', ' ', '😀') },
  { weight: 2, arbitrary: plainUnit },
  fc.constantFrom(
    '\\n',
    '\\"',
    '\\\\',
    '\\/',
    '\\b',
    '\\f',
    '\\r',
    '\\t',
    '\\u0061',
    '\\u0000',
    '\\uD83D\\uDE00',
  ),
  fc.constantFrom('\\ud800', '\\uDC00', '\u2028', '\ufeff', '\x7f', '\\u00E9'),
);

/** A JSON string literal. Some are long enough for the scanner's other path. */
export const stringText = fc
  .tuple(fc.array(stringUnit, { maxLength: 12 }), fc.constantFrom(0, 0, 0, 0, 0, 250, 257, 600))
  .map(([units, fill]) => `"${'x'.repeat(fill)}${units.join('')}"`);

const keyText = fc.oneof(
  fc.constantFrom('"a"', '"b"', '"id"', '"\\u0069d"', '"__proto__"', '"constructor"', '""', '"1"', '"0"'),
  stringText,
);

export const numberText = fc.oneof(
  fc.constantFrom('-0', '0', '1.0', '-0.0', '1e400', '-1E+400', '1e-400', '9007199254740993', '0.10', '1E5'),
  fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => JSON.stringify(n)),
);

const { object, value } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(stringText, numberText, fc.constantFrom('true', 'false', 'null')),
    tie('object'),
    tie('array'),
  ),
  object: fc
    .tuple(
      space,
      fc.uniqueArray(fc.tuple(space, keyText, space, space, tie('value'), space), {
        maxLength: 6,
        selector: (member) => JSON.parse(member[1]),
      }),
    )
    .map(([gap, members]) => {
      if (members.length === 0) return `{${gap}}`;
      return `{${members.map(([a, key, b, c, inner, d]) => `${a}${key}${b}:${c}${inner}${d}`).join(',')}}`;
    }),
  array: fc
    .tuple(space, fc.array(fc.tuple(space, tie('value'), space), { maxLength: 5 }))
    .map(([gap, items]) => `[${items.length === 0 ? gap : items.map((item) => item.join('')).join(',')}]`),
}));

export const valueText = value;

/** The text of an object without duplicate keys, with space around it. */
export const objectText = fc.tuple(space, object, space).map((parts) => parts.join(''));

/** What a naive reading finds in text that JSON.parse accepts. */
export interface Census {
  depth: number;
  keys: number;
  longest: number;
  hasDuplicate: boolean;
}

/** Counts by tokens of a regular expression: slow, and shares no code with the scanner. */
export function census(text: string): Census {
  const found: Census = { depth: 0, keys: 0, longest: 0, hasDuplicate: false };
  const open: Set<string>[] = [];
  for (const token of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/gs)) {
    const [whole, quoted, colon] = token;
    if (whole === '{' || whole === '[') {
      open.push(new Set());
      found.depth = Math.max(found.depth, open.length);
    } else if (whole === '}' || whole === ']') open.pop();
    if (quoted === undefined) continue;
    found.longest = Math.max(found.longest, quoted.length - 2);
    if (colon === undefined) continue;
    found.keys++;
    const names = open.at(-1);
    const name: string = JSON.parse(quoted);
    if (names?.has(name)) found.hasDuplicate = true;
    names?.add(name);
  }
  return found;
}

/** Whether the gateway is to accept the text as an object, by JSON.parse and the census. */
export function isAcceptable(text: string, limits: JsonLimits): boolean {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return false;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return false;
  const { depth, keys, longest, hasDuplicate } = census(text);
  return !hasDuplicate && depth <= limits.depth && keys <= limits.keys && longest <= limits.string;
}
