// Options of a plugin: checked by the plugin's own schema after loading, and kept out of dumps.
// Must not know any plugin.
import { z } from 'zod';
import type { OptionProblem } from '../core/plugin.ts';
import type { JsonObject, JsonValue } from '../protocol/values.ts';
import type { Diagnostic } from './diagnostic.ts';
import { sortDiagnostics } from './diagnostic.ts';
import type { ConfigDocument } from './document.ts';
import { explainIssues, type KeySchema } from './issues.ts';
import { valueAt, withValue } from './place.ts';
import { pluginKeys } from './relations/pipeline.ts';
import type { Entry, Path } from './schema.ts';
import { readPlain } from './yaml.ts';

const inspect = Symbol.for('nodejs.util.inspect.custom');

export type OptionsResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/**
 * Checks the options of an entry (none is an empty map) by the plugin's schema. A value that is one whole
 * reference to a variable or file is read as a number or a boolean where the schema wants one.
 */
export function readOptions<Schema extends z.ZodType>(
  document: ConfigDocument,
  entry: Entry,
  schema: Schema,
): OptionsResult<z.output<Schema>> {
  return judgeOptions(document, entry.path, entry.options ?? {}, schema);
}

/** The same of options as they stand in the document, before the entry is settled. */
export function judgeOptions<Schema extends z.ZodType>(
  document: ConfigDocument,
  entryPath: Path,
  options: JsonValue,
  schema: Schema,
): OptionsResult<z.output<Schema>> {
  const result = parseOptions(document, entryPath, options, schema);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, diagnostics: optionDiagnostics(document, entryPath, result.error, schema) };
}

/** Diagnostics for what a plugin found wrong with options that its schema takes. */
export function problemDiagnostics(
  document: ConfigDocument,
  entryPath: Path,
  problems: readonly OptionProblem[],
): Diagnostic[] {
  const place = optionsPath(document, entryPath);
  return problems.map(({ message, hint, path, severity = 'error' }) =>
    document.at(path === undefined ? entryPath : [...place, ...path], {
      code: 'PLUGIN_OPTIONS',
      message,
      ...(hint !== undefined && { hint }),
      severity,
    }),
  );
}

/** What is wrong with them, and nothing else. */
export function wrongOptions(
  document: ConfigDocument,
  entryPath: Path,
  options: JsonValue,
  schema: z.ZodType,
): readonly Diagnostic[] {
  const result = judgeOptions(document, entryPath, options, schema);
  return result.ok ? [] : result.diagnostics;
}

function parseOptions<Schema extends z.ZodType>(
  document: ConfigDocument,
  entryPath: Path,
  given: JsonValue,
  schema: Schema,
): z.ZodSafeParseResult<z.output<Schema>> {
  const result = schema.safeParse(given);
  if (result.success) return result;
  const place = optionsPath(document, entryPath);
  let options = given;
  for (const [path, value] of retyped(document, place, result.error.issues))
    options = withValue(options, path, value);
  return schema.safeParse(options);
}

/**
 * Diagnostics for what a plugin's schema said of its options. `entryPath` is `Entry.path`. With the schema at
 * hand, unknown keys get a "did you mean".
 */
export function optionDiagnostics(
  document: ConfigDocument,
  entryPath: Path,
  error: { readonly issues: readonly z.core.$ZodIssue[] },
  schema?: z.ZodType,
): Diagnostic[] {
  const place = optionsPath(document, entryPath);
  const options = valueAt(document.values(), place);
  const keys = schema === undefined ? {} : keySchema(schema);
  const problems = explainIssues(error.issues, typeof options === 'string' ? {} : (options ?? {}), keys);
  return sortDiagnostics(
    problems
      .map((problem) => ({ ...problem, path: [...place, ...problem.path], code: optionCode(problem.code) }))
      .filter(({ path }) => !document.isPoisoned(path))
      .map((problem) => document.at(problem.path, problem)),
  );
}

/** The JSON Schema of what a zod schema takes, for the keys it allows. */
export function keySchema(schema: z.ZodType): KeySchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as KeySchema;
}

/**
 * For each issue that wants a number or a boolean where the document has one whole reference: the path within
 * `place`, and the value the text stands for in YAML.
 */
export function retyped(
  document: ConfigDocument,
  place: Path,
  issues: readonly z.core.$ZodIssue[],
): [path: Path, value: number | boolean][] {
  return issues.flatMap((issue): [Path, number | boolean][] => {
    if (issue.code !== 'invalid_type') return [];
    const path = issue.path as Path;
    const reference = document.interpolated([...place, ...path]);
    const value = reference?.whole === true ? readPlain(reference.value) : undefined;
    const wanted =
      issue.expected === 'boolean' ? 'boolean' : /^(?:number|int)$/.test(issue.expected) ? 'number' : '';
    return typeof value === wanted ? [[path, value as number | boolean]] : [];
  });
}

/** A copy of the options whose dumps (JSON.stringify, inspect) are what `shown` gives. Its fields stay plain. */
export function guard(options: JsonObject, shown: () => JsonValue): JsonObject {
  const hidden = { value: shown, enumerable: false };
  return Object.defineProperties({ ...options }, { toJSON: hidden, [inspect]: hidden });
}

/** The place of an entry's options: below its plugin's key, or the entry itself if it is a bare name. */
function optionsPath(document: ConfigDocument, entryPath: Path): Path {
  const entry = valueAt(document.values(), entryPath);
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return entryPath;
  const [plugin] = pluginKeys(entry as JsonObject);
  return plugin === undefined ? entryPath : [...entryPath, plugin];
}

/** Most codes hold for options as they do for fields; a value only the plugin can judge is an option of its. */
function optionCode(code: Diagnostic['code']): Diagnostic['code'] {
  return code === 'VALUE_INVALID' ? 'PLUGIN_OPTIONS' : code;
}
