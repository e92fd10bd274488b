// The lines of the file that a diagnostic shows, with everything that may be secret replaced. Columns stay true:
// each hidden character becomes one dot, each character of a comment a space.
import { isScalar, type Node } from 'yaml';
import type { FrameLine } from './diagnostic.ts';
import { fieldNames } from './jsonschema.ts';
import { isSensitive } from './place.ts';
import type { Tree } from './tree.ts';
import { type Syntax, scalarsOf } from './yaml.ts';

const DOT = '•';
const USER_INFO = /(\/\/)([^\s/@"']+)(?=@)/g;
const QUERY = /(https?:\/\/[^\s"'?]*\?)([^\s"']*)/g;
const KEY = /(?:"[^"]*"|'[^']*')\s*:|[\w./-]+\s*:(?=\s|$)/g;

type Span = readonly [from: number, to: number];

/** The file's lines as they may be shown. */
export function visibleLines(text: string, syntax: Syntax, tree: Tree): readonly string[] {
  const shown = replaceSpans(text, [
    ...tree.sensitive.flatMap((node) => inside(node)).map((span) => ({ span, change: hide })),
    ...comments(text, syntax).map((span) => ({ span, change: (raw: string) => ' '.repeat(raw.length) })),
  ]);
  const lines = shown
    .split(/\r?\n/)
    .map((line) => line.replace(USER_INFO, keepHead).replace(QUERY, keepHead));
  // A broken tree may have scalars in the wrong place, so its lines are judged by their look.
  if (syntax.sound) return lines;
  const fields = fieldNames();
  return lines.map((line) => hideByLook(line, fields));
}

/** The line a problem is on, and above it the line that opens the block it is in. `line` is from 1. */
export function frameAt(lines: readonly string[], line: number): FrameLine[] {
  const text = lines[line - 1];
  if (text === undefined || text.trim() === '') return [];
  const frame = [{ line, text }];
  const depth = indent(text);
  for (let above = line - 1; above >= 1 && depth > 0; above--) {
    const candidate = lines[above - 1] ?? '';
    if (candidate.trim() !== '' && indent(candidate) < depth)
      return [{ line: above, text: candidate }, ...frame];
  }
  return frame;
}

function indent(line: string): number {
  return line.length - line.trimStart().length;
}

function dots(text: string): string {
  return text.replace(/[^\s]/gu, (character) => DOT.repeat(character.length));
}

function keepHead(_: string, head: string, rest: string): string {
  return head + hide(rest);
}

/** Hides literals; a reference stays, its default does not. */
function hide(raw: string): string {
  return raw
    .split(/(\$\{[^}]*\})/)
    .map((piece, index) => {
      if (index % 2 === 0) return dots(piece);
      const preset = piece.indexOf(':-');
      return preset < 0 ? piece : `${piece.slice(0, preset + 2)}${dots(piece.slice(preset + 2, -1))}}`;
    })
    .join('');
}

/** The stretch of a node without its quotes. */
function inside(node: Node): Span[] {
  if (!node.range) return [];
  const [from, to] = node.range;
  const isQuoted = isScalar(node) && /^QUOTE/.test(node.type ?? '') && to - from >= 2;
  return [isQuoted ? [from + 1, to - 1] : [from, to]];
}

/** Comments: people keep old values in them. */
function comments(text: string, { document }: Syntax): Span[] {
  const scalars = scalarsOf(document).flatMap(({ range }): Span[] => (range ? [[range[0], range[1]]] : []));
  scalars.sort(([a], [b]) => a - b);
  let next = 0;
  return [...text.matchAll(/(?<=^|\s)#[^\r\n]*/gm)].flatMap((match): Span[] => {
    const from = match.index;
    while ((scalars[next]?.[1] ?? Number.POSITIVE_INFINITY) <= from) next += 1;
    // Within a text, "#" is a character like any other.
    const isText = (scalars[next]?.[0] ?? Number.POSITIVE_INFINITY) < from;
    return isText ? [] : [[from, from + match[0].length]];
  });
}

function replaceSpans(
  text: string,
  changes: readonly { span: Span; change: (raw: string) => string }[],
): string {
  let result = '';
  let end = 0;
  for (const { span, change } of changes.toSorted((a, b) => a.span[0] - b.span[0])) {
    const [from, to] = span;
    if (from < end) continue;
    result += text.slice(end, from) + change(text.slice(from, to));
    end = to;
  }
  return result + text.slice(end);
}

/** Shows the values of our own fields and nothing else: every other key may be a header or a variable. */
function hideByLook(line: string, fields: ReadonlySet<string>): string {
  if (line.startsWith('%')) return line;
  let result = '';
  let end = 0;
  let isField = false;
  for (const match of line.matchAll(KEY)) {
    result += hideValue(line.slice(end, match.index), isField) + match[0];
    end = match.index + match[0].length;
    const name = match[0].replace(/[\s:"']/g, '');
    isField = fields.has(name) && !isSensitive([name]);
  }
  return result + hideValue(line.slice(end), isField);
}

/** Hides a value but not the brackets around it. */
function hideValue(text: string, isField: boolean): string {
  if (isField) return text;
  return text
    .split(/(\$\{[^}]*\}|[{}[\],"']|^\s*-\s)/)
    .map((piece, index) => (index % 2 === 0 || piece.startsWith('$') ? hide(piece) : piece))
    .join('');
}
