// YAML text → syntax tree, with every syntax problem put in the words of somebody who writes configurations.
// Knows nothing of what a gateway is.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that
import {
  type Document,
  isCollection,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  parse,
  parseDocument,
  type Scalar,
  type YAMLError,
} from 'yaml';
import type { Code } from './codes.ts';

/** A problem at a stretch of the text: `from` and `to` are offsets in UTF-16 units. */
export interface SyntaxProblem {
  readonly code: Code;
  readonly message: string;
  readonly hint?: string;
  readonly from: number;
  readonly to: number;
}

export interface Syntax {
  readonly document: Document.Parsed;
  /** The top node; `null` for an empty file. */
  readonly root: Node | null;
  readonly lines: LineCounter;
  readonly problems: readonly SyntaxProblem[];
  /** Whether the tree can be trusted: false after anything but a duplicate key. */
  readonly sound: boolean;
}

const OPTIONS = {
  version: '1.2',
  schema: 'core',
  strict: true,
  uniqueKeys: true,
  prettyErrors: false,
} as const;

/** Parses one YAML 1.2 document. Never throws; one problem per line at most. */
export function parseYaml(text: string): Syntax {
  const lines = new LineCounter();
  const document = parseDocument(text, { ...OPTIONS, lineCounter: lines });
  const problems: SyntaxProblem[] = [];
  const seen = new Set<number>();
  for (const error of document.errors) {
    const { line } = lines.linePos(error.pos[0]);
    // One slip makes the parser stumble several times; what follows on the same line is noise.
    if (!seen.has(line)) problems.push(explain(error, text, document));
    seen.add(line);
  }
  const { version, explicit } = document.directives.yaml;
  if (explicit === true && version !== '1.2') {
    const hint = 'remove the %YAML line';
    problems.push({ code: 'YAML_SYNTAX', message: `YAML ${version} is not supported`, hint, from: 0, to: 5 });
  }
  const sound = problems.every((problem) => problem.code === 'YAML_KEY_DUPLICATE');
  return { document, root: document.contents, lines, problems, sound };
}

/** What YAML 1.2 makes of a plain scalar, where that is a number or a boolean; else `undefined`. */
export function readPlain(text: string): number | boolean | undefined {
  if (!/^[-+.\w]{1,64}$/.test(text)) return undefined;
  const value: unknown = parse(text, OPTIONS);
  if (typeof value === 'boolean') return value;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function explain(error: YAMLError, text: string, document: Document.Parsed): SyntaxProblem {
  const [from, to] = error.pos;
  const place = { from, to: Math.min(to, from + 1) };
  if (error.code === 'DUPLICATE_KEY') {
    const end = text.slice(from).search(/[:\s]/);
    const whole = { from, to: end > 0 ? from + end : to };
    return { code: 'YAML_KEY_DUPLICATE', message: 'this key already stands above', ...whole };
  }
  if (error.code === 'MULTIPLE_DOCS') {
    return {
      code: 'YAML_DOCUMENTS',
      message: 'a second document begins here',
      hint: 'keep one document',
      from,
      to: from + 3,
    };
  }
  const opened = /Missing closing .*quote/.test(error.message) ? lastQuote(document, from) : undefined;
  if (opened !== undefined)
    return { code: 'YAML_SYNTAX', message: 'this quote is not closed', from: opened, to: opened + 1 };
  const [message, hint] = words(error, text);
  return hint === undefined
    ? { code: 'YAML_SYNTAX', message, ...place }
    : { code: 'YAML_SYNTAX', message, hint, ...place };
}

/** Every scalar, keys included, in no particular order. Walks without recursion: files may be as deep as they like. */
export function scalarsOf(document: Document.Parsed): Scalar[] {
  const found: Scalar[] = [];
  const open: unknown[] = [document.contents];
  while (open.length > 0) {
    const node = open.pop();
    if (isScalar(node)) found.push(node);
    else if (isPair(node)) open.push(node.key, node.value);
    else if (isCollection(node)) for (const item of node.items) open.push(item);
  }
  return found;
}

/** Where the last quoted text before an offset begins: the parser complains where the file ends. */
function lastQuote(document: Document.Parsed, before: number): number | undefined {
  const starts = scalarsOf(document).flatMap(({ type, range }) =>
    /^QUOTE/.test(type ?? '') && range ? [range[0]] : [],
  );
  const last = starts.filter((start) => start < before).reduce((a, b) => Math.max(a, b), -1);
  return last < 0 ? undefined : last;
}

/** The message, and what most often lies behind it. */
function words(error: YAMLError, text: string): [message: string, hint?: string] {
  const start = text.lastIndexOf('\n', error.pos[0] - 1) + 1;
  const end = text.indexOf('\n', error.pos[0]);
  const line = text.slice(start, end < 0 ? text.length : end);
  if (error.code === 'TAB_AS_INDENT') return ['a tab in the indentation', 'indent with spaces'];
  if (/[[{].*\$\{/.test(line))
    return [lower(error.message), 'inside [ ] or { } a reference needs quotes: "${env:NAME}"'];
  if (error.code === 'BAD_ALIAS') return ['"*" begins an alias', "put it in quotes: '*'"];
  if (error.code === 'BAD_SCALAR_START') return [lower(error.message), 'put the text in quotes'];
  if (error.code === 'BLOCK_AS_IMPLICIT_KEY') {
    return ['a second ": " in one line', 'put the text in quotes, or begin a new line'];
  }
  return [lower(error.message)];
}

/** The parser's first letter made small, and none of its text quoted back: it might hold a secret. */
function lower(message: string): string {
  const bare = message.replace(/: ".*$/s, '').replace(/ \(.*\)$/s, '');
  return bare.charAt(0).toLowerCase() + bare.slice(1);
}
