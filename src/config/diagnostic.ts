// One problem in a configuration: its data, its text for people, its JSON. Knows nothing of YAML or zod.
import type { Code } from './codes.ts';

export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly code: Code;
  readonly message: string;
  /** The file as it was named, or `environment: VARIABLE`. */
  readonly file: string;
  /** From 1; 0 where there is no place in a text. */
  readonly line: number;
  /** From 1, in UTF-16 units; 0 where there is no place in a text. */
  readonly column: number;
  /** How much of the line to underline; 0 where there is no place in a text. */
  readonly length: number;
  readonly hint?: string;
  /** The line itself and the one that opens its block, secrets masked. */
  readonly frame: readonly FrameLine[];
}

export interface FrameLine {
  readonly line: number;
  readonly text: string;
}

/** Diagnostics for programs: what `--json` prints. */
export interface DiagnosticReport {
  readonly version: 1;
  readonly errors: number;
  readonly warnings: number;
  readonly diagnostics: readonly Diagnostic[];
}

const WIDTH = 80;
const TEXT_WIDTH = 120;
const CONTROL = /(?!\t)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** The order people read in: by file, line, column. Of two at one place with one code, the first stays. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return [...diagnostics]
    .sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column))
    .filter(({ file, line, column, code, message }) => {
      const key = JSON.stringify([file, line, column, code, line === 0 ? message : '']);
      return !seen.has(key) && seen.add(key);
    });
}

/** All diagnostics as text, each with its frame, then a line that counts them. Ends without a line break. */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], options: { color: boolean }): string {
  const paint = painter(options.color);
  return [...diagnostics.map((diagnostic) => render(diagnostic, paint)), summary(diagnostics)].join('\n');
}

/** `2 errors, 1 warning`; `no problems` for none. */
export function summary(diagnostics: readonly Diagnostic[]): string {
  const { errors, warnings } = report(diagnostics);
  const counted = [...quantity(errors, 'error'), ...quantity(warnings, 'warning')];
  return counted.length === 0 ? 'no problems' : counted.join(', ');
}

/** All diagnostics as data. */
export function report(diagnostics: readonly Diagnostic[]): DiagnosticReport {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
  return { version: 1, errors, warnings: diagnostics.length - errors, diagnostics };
}

type Paint = (style: 'bold' | 'dim' | 'error' | 'warning', text: string) => string;

/** Writes ANSI colours, or nothing at all. */
export function painter(color: boolean): Paint {
  const codes = { bold: 1, dim: 2, error: 31, warning: 33 } as const;
  return (style, text) => (color && text !== '' ? `\u001b[${codes[style]}m${text}\u001b[0m` : text);
}

function render(diagnostic: Diagnostic, paint: Paint): string {
  const { severity, code, line, column, frame } = diagnostic;
  const place = safe(line > 0 ? `${diagnostic.file}:${line}:${column}` : diagnostic.file);
  const kind = severity === 'warning' ? 'warning: ' : '';
  const message = safe(diagnostic.message);
  const gap = ' '.repeat(Math.max(2, WIDTH - place.length - kind.length - message.length - code.length - 2));
  const head = `${paint('bold', place)}  ${paint(severity, kind)}${message}${gap}${paint(severity, code)}`;
  const hint = safe(diagnostic.hint ?? '');
  const last = frame.at(-1);
  if (last === undefined) return hint === '' ? head : `${head}\n    ${hint}`;
  const digits = String(last.line).length;
  const lines = frame.map(
    (shown) => `  ${paint('dim', `${String(shown.line).padStart(digits)} │`)} ${clip(shown.text).trimEnd()}`,
  );
  const under = underline(diagnostic, last.text, severity, hint, paint);
  return [head, ...lines, `  ${' '.repeat(digits)} ${paint('dim', '│')} ${under}`].join('\n');
}

/** Carets below the line, as wide as the terminal draws what is above them. */
function underline(
  { column, length }: Diagnostic,
  text: string,
  style: 'error' | 'warning',
  hint: string,
  paint: Paint,
): string {
  const before = Bun.stringWidth(clip(text.slice(0, column - 1)));
  const marked = Math.max(1, Bun.stringWidth(clip(text.slice(0, column - 1 + length))) - before);
  return `${' '.repeat(before)}${paint(style, '^'.repeat(marked))}${hint === '' ? '' : `  ${hint}`}`;
}

function clip(text: string): string {
  const shown = safe(text).replaceAll('\t', '  ');
  return shown.length > TEXT_WIDTH ? `${shown.slice(0, TEXT_WIDTH - 1)}…` : shown;
}

/** A file may hold characters that would steer the terminal. */
function safe(text: string): string {
  return text.replace(CONTROL, '·');
}

function quantity(amount: number, noun: string): string[] {
  return amount === 0 ? [] : [`${amount} ${noun}${amount === 1 ? '' : 's'}`];
}
