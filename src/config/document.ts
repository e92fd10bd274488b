// The document a configuration came from: places for later errors, and a view that is safe to show.
// Must not know what the fields mean. Holds secrets and therefore shows none of its fields.
import type { JsonValue } from '../protocol/values.ts';
import type { Code } from './codes.ts';
import type { Diagnostic } from './diagnostic.ts';
import { frameAt, visibleLines } from './frame.ts';
import { locate, nodeSpan, type Span, spanOf } from './locate.ts';
import { isHidden, isWithin, pathKey, valueAt, withValue } from './place.ts';
import { secretsOf } from './revealed.ts';
import type { Path } from './schema.ts';
import { MASK } from './secret.ts';
import type { Interpolated, Tree, TreeProblem } from './tree.ts';
import type { Syntax } from './yaml.ts';

/** What is wrong, without where. `on` says what to underline; `value` unless given. */
export interface Problem {
  readonly code: Code;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly severity?: 'error' | 'warning' | undefined;
  readonly on?: 'key' | 'value' | undefined;
}

/** A value that a variable of the environment put into the tree (env.ts). */
export interface Overlay {
  readonly path: Path;
  readonly value: JsonValue;
  readonly variable: string;
  /** As it may be shown; the variable unless given. */
  readonly shown?: JsonValue;
}

/** One parsed document with the environment laid over it. */
export class ConfigDocument {
  readonly file: string;
  readonly #text: string;
  readonly #syntax: Syntax;
  readonly #tree: Tree;
  readonly #overlays: readonly Overlay[];
  readonly #lines: readonly string[];
  #values: JsonValue;

  constructor(file: string, text: string, syntax: Syntax, tree: Tree, overlays: readonly Overlay[]) {
    this.file = file;
    this.#text = text;
    this.#syntax = syntax;
    this.#tree = tree;
    this.#overlays = overlays;
    this.#lines = visibleLines(text, syntax, tree);
    this.#values = overlays.reduce<JsonValue>(
      (values, { path, value }) => withValue(values, path, value),
      tree.values ?? {},
    );
  }

  /** A diagnostic at a place of the document. No secret gets into it, whatever the problem's texts say. */
  at(path: Path, problem: Problem): Diagnostic {
    const variable = this.#variableAt(path);
    if (variable !== undefined) {
      return {
        ...this.#said(problem),
        file: `environment: ${variable}`,
        line: 0,
        column: 0,
        length: 0,
        frame: [],
      };
    }
    return this.#placed(spanOf(this.#tree.places, path, problem.on ?? 'value'), problem);
  }

  /** A diagnostic at a stretch of the text. */
  atSpan(span: Span, problem: Problem): Diagnostic {
    return this.#placed(span, problem);
  }

  /** A diagnostic for a problem the tree reader met. */
  atNode(problem: TreeProblem): Diagnostic {
    return this.#placed(nodeSpan(problem.node, this.#text, problem.find) ?? { from: 0, to: 0 }, problem);
  }

  /** Whether the tree reader already complained about what stands at a path: there is no value to judge. */
  isPoisoned(path: Path): boolean {
    return this.#tree.problems.some((problem) => problem.path.length > 0 && isWithin(path, problem.path));
  }

  /** The effective tree, references read: for validation and comparison, never to be shown. */
  values(): JsonValue {
    return this.#values;
  }

  /** Puts a value that a reference stands for in the type its field wants. */
  retype(path: Path, value: JsonValue): void {
    this.#values = withValue(this.#values, path, value);
  }

  /** Whether the value at a path stands in the file as it is: no reference, and not of the environment. */
  isLiteral(path: Path): boolean {
    const isOver = this.#overlays.some((overlay) => isWithin(path, overlay.path));
    return !isOver && this.#tree.places.has(pathKey(path)) && this.interpolated(path) === undefined;
  }

  /** The references in the scalar at a path. */
  interpolated(path: Path): Interpolated | undefined {
    return this.#overlays.some((overlay) => isWithin(overlay.path, path))
      ? undefined
      : this.#tree.interpolated.get(pathKey(path));
  }

  /** What it was read from: for reading it again, and never to be shown. */
  source(): { readonly file: string; readonly text: string } {
    return { file: this.file, text: this.#text };
  }

  /** Every value in it that no text may show: for the redactor, and nothing else. */
  secrets(): ReadonlySet<string> {
    return secretsOf(this.#values, (path) => this.interpolated(path));
  }

  /** The effective tree as written: references unread, literal values masked where they may be secret. */
  redacted(): JsonValue {
    const written = this.#overlays.reduce<JsonValue>(
      (tree, { path, variable, shown }) => withValue(tree, path, shown ?? `\${env:${variable}}`),
      this.#tree.written ?? {},
    );
    return this.#redact(written, []);
  }

  /** The value at a path as it may be shown; `undefined` when there is none. */
  shown(path: Path): JsonValue | undefined {
    return valueAt(this.redacted(), path);
  }

  /** The variable that set the value at a path, or the only thing below it. */
  #variableAt(path: Path): string | undefined {
    const over = this.#overlays.findLast((overlay) => isWithin(path, overlay.path));
    if (over !== undefined) return over.variable;
    if (this.#tree.places.has(pathKey(path))) return undefined;
    return this.#overlays.find((overlay) => isWithin(overlay.path, path))?.variable;
  }

  #redact(value: JsonValue, path: Path): JsonValue {
    if (Array.isArray(value)) return value.map((item, index) => this.#redact(item, [...path, index]));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([key, held]) => [key, this.#redact(held, [...path, key])]),
      );
    }
    if (this.#overlays.some((overlay) => isWithin(path, overlay.path))) return value;
    const interpolated = this.#tree.interpolated.get(pathKey(path));
    if (interpolated !== undefined) return interpolated.shown;
    if (value === null || typeof value === 'boolean') return value;
    return isHidden(path) ? MASK : typeof value === 'string' ? withoutQuery(value) : value;
  }

  #placed(span: Span, problem: Problem): Diagnostic {
    const place = locate(this.#text, this.#syntax.lines, span);
    return { ...this.#said(problem), file: this.file, ...place, frame: frameAt(this.#lines, place.line) };
  }

  /** The texts of a problem, with what references stand for turned back into the references. */
  #said({
    code,
    message,
    hint,
    severity,
  }: Problem): Pick<Diagnostic, 'severity' | 'code' | 'message' | 'hint'> {
    const clean = (text: string): string => {
      let result = text;
      for (const { read } of this.#tree.interpolated.values()) {
        for (const { written, value } of read) {
          // Shorter values are ordinary words; replacing them would garble the text and hide nothing.
          if (value.length >= 6) result = result.replaceAll(value, written);
        }
      }
      return result;
    };
    return {
      severity: severity ?? 'error',
      code,
      message: clean(message),
      ...(hint ? { hint: clean(hint) } : {}),
    };
  }
}

/** Queries of URLs often carry keys. */
function withoutQuery(text: string): string {
  return /^https?:\/\/[^?\s]*\?/.test(text) ? `${text.slice(0, text.indexOf('?'))}?${MASK}` : text;
}
