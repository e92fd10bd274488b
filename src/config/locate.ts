// Path in the document → line and column. Knows the places the tree reader remembered, and no schema.
import type { LineCounter, Node } from 'yaml';
import { pathKey } from './place.ts';
import type { Path } from './schema.ts';
import type { Place } from './tree.ts';

/** A stretch of the text as offsets, `to` not included. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A stretch on one line: line and column from 1, length at least 1, in UTF-16 units. */
export interface Location {
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

const START: Span = { from: 0, to: 0 };

/**
 * The stretch of a key or a value. Where the path leads to nothing (a field that is missing), it is the key of the
 * nearest thing above that exists; where a value is empty, its key.
 */
export function spanOf(places: ReadonlyMap<string, Place>, path: Path, on: 'key' | 'value'): Span {
  const place = places.get(pathKey(path));
  if (place === undefined) return path.length === 0 ? START : spanOf(places, path.slice(0, -1), 'key');
  const key = nodeSpan(place.key);
  const value = nodeSpan(place.value);
  // The document has no key; what is missing in it is shown at its beginning.
  if (path.length === 0 && on === 'key')
    return value === undefined ? START : { from: value.from, to: value.from + 1 };
  const isThere = value !== undefined && value.to > value.from;
  const found = on === 'value' && isThere ? value : (key ?? value);
  return found ?? (path.length === 0 ? START : spanOf(places, path.slice(0, -1), 'key'));
}

/** The stretch of a node's own text, or of `find` within it. */
export function nodeSpan(node: Node | null | undefined, text?: string, find?: string): Span | undefined {
  const range = node?.range;
  if (!range) return undefined;
  const [from, to] = range;
  const start = find === undefined || text === undefined ? -1 : text.slice(from, to).indexOf(find);
  return start < 0 ? { from, to } : { from: from + start, to: from + start + (find ?? '').length };
}

/** A stretch as line and column; what goes beyond its first line is left out. */
export function locate(text: string, lines: LineCounter, span: Span): Location {
  const { line, col } = lines.linePos(span.from);
  const piece = text.slice(span.from, span.to).split(/\r?\n/, 1)[0] ?? '';
  return { line: Math.max(1, line), column: Math.max(1, col), length: Math.max(1, piece.trimEnd().length) };
}
