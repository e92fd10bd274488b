// Keys that stand twice in one map. Each of their values is looked at, in one reading after another, so that none
// of them hides what is wrong with another. Knows nothing of what the keys mean.
import { type Document, isMap, isScalar, isSeq, type LineCounter, type Node } from 'yaml';
import type { Diagnostic } from './diagnostic.ts';
import type { Span } from './locate.ts';

export interface Duplicates {
  /** How many readings see every value: 1 where no key stands twice. */
  readonly readings: number;
  /** The keys that stand more than once, with their values. */
  readonly spans: readonly Span[];
}

/** More than this many are not worth their time. */
const MOST = 16;

/** Walks without recursion: files may be as deep as they like. */
export function findDuplicates(document: Document.Parsed): Duplicates {
  const spans: Span[] = [];
  let readings = 1;
  const open: [node: unknown, readings: number][] = [[document.contents, 1]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [node, above] = next;
    if (isSeq(node)) for (const item of node.items) open.push([item, above]);
    if (!isMap(node)) continue;
    const items = node.items as readonly Item[];
    for (const same of Map.groupBy(items, ({ key }) => nameOf(key)).values()) {
      const isTwice = same.length > 1 && nameOf(same[0]?.key ?? null) !== undefined;
      const needed = isTwice ? above * same.length : above;
      readings = Math.max(readings, needed);
      for (const { key, value } of same) {
        open.push([value, needed]);
        if (isTwice) spans.push({ from: key?.range?.[0] ?? 0, to: (value ?? key)?.range?.[1] ?? 0 });
      }
    }
  }
  return { readings: Math.min(readings, MOST), spans };
}

interface Item {
  readonly key: Node | null;
  readonly value: Node | null;
}

/** The text of a key; undefined for what can be none. */
export function nameOf(key: Node | null): string | undefined {
  return isScalar(key) && typeof key.value === 'string' ? key.value : undefined;
}

/**
 * Of several values of one key, the one that a reading sees, and which reading of what is in it that is. The first
 * reading sees the last value everywhere.
 */
export function seenIn<T>(reading: number, same: readonly T[]): { seen: T | undefined; within: number } {
  const { length } = same;
  return { seen: same[length - 1 - (reading % length)], within: Math.floor(reading / length) };
}

/**
 * What all readings say of what they have in common, and what any of them says of a value that others do not see:
 * a name that is missing in one reading alone is not missing.
 */
export function agreed(
  readings: readonly (readonly Diagnostic[])[],
  { spans }: Duplicates,
  lines: LineCounter,
): Diagnostic[] {
  const inside = ({ line, column }: Diagnostic): boolean =>
    spans.some(({ from, to }) => {
      const [start, end] = [lines.linePos(from), lines.linePos(to)];
      return isBefore(start, { line, col: column }) && isBefore({ line, col: column }, end);
    });
  const isSame = (a: Diagnostic, b: Diagnostic): boolean =>
    a.file === b.file && a.line === b.line && a.column === b.column && a.code === b.code;
  return readings.flatMap((one) =>
    one.filter((said) => inside(said) || readings.every((other) => other.some((each) => isSame(each, said)))),
  );
}

interface Position {
  readonly line: number;
  readonly col: number;
}

function isBefore(a: Position, b: Position): boolean {
  return a.line < b.line || (a.line === b.line && a.col <= b.col);
}
