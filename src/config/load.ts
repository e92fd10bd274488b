// Text in, configuration or diagnostics out: parse, interpolate, lay the environment over it, validate, settle.
// Must not know sections or reach the outside but through its inputs.
import type { z } from 'zod';
import { type Diagnostic, sortDiagnostics } from './diagnostic.ts';
import { ConfigDocument } from './document.ts';
import { agreed, findDuplicates } from './duplicates.ts';
import { writtenEntries } from './entries.ts';
import { BUILT_IN, namesUpstream, readEnvironment } from './env.ts';
import type { Vault } from './interpolate.ts';
import { explainIssues, type PlacedProblem } from './issues.ts';
import { literalSecrets } from './literals.ts';
import { keySchema, retyped, wrongOptions } from './options.ts';
import { isWithin } from './place.ts';
import { certificateProblems } from './relations/certificates.ts';
import { isMap } from './relations/guess.ts';
import { socketProblems } from './relations/sockets.ts';
import { relationProblems } from './relations.ts';
import { type Config, type Parsed, type Path, schema } from './schema.ts';
import { settle } from './settle.ts';
import { readTree } from './tree.ts';
import { parseYaml, type Syntax } from './yaml.ts';

/** A file and what stands in it. */
export interface Source {
  /** As it is shown: relative to where the user is, if possible. */
  readonly file: string;
  readonly text: string;
}

/** The world as far as a configuration may look at it. */
export interface Inputs {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of a file by its absolute path; throws when it cannot be read. */
  readonly readFile: (path: string) => string;
  /** Absolute directory that relative paths begin at: that of the file. */
  readonly baseDir: string;
  /** Secrets that the system does not provide as files. */
  readonly vault?: Vault | undefined;
  /** Whether secrets are left unread: for those who want to know something else. */
  readonly isBlind?: boolean | undefined;
  /** Names of the built-in plugins. */
  readonly plugins: readonly string[];
  /** Their options' schemas by name, so that wrong options are told together with everything else. */
  readonly optionSchemas?: Readonly<Record<string, z.ZodType>> | undefined;
}

/** A configuration in force, and the document it came from. */
export interface Loaded {
  readonly config: Config;
  readonly document: ConfigDocument;
}

export type LoadResult =
  | (Loaded & { readonly ok: true; readonly warnings: readonly Diagnostic[] })
  | {
      readonly ok: false;
      readonly diagnostics: readonly Diagnostic[];
      /** What could be read all the same; undefined where the text is no YAML, or no file was read. */
      readonly document?: ConfigDocument;
    };

/**
 * Reads a configuration: variables of the environment (env.ts) over `source`, and without one over the built-in
 * demo or, where the environment names an upstream, over nothing but `progress`.
 * Never throws for anything the user wrote; gives every problem at once, in the order of the file.
 */
export function loadConfig(source: Source | undefined, inputs: Inputs): LoadResult {
  const { file, ...given } = source ?? (namesUpstream(inputs.env) ? BUILT_IN.environment : BUILT_IN.demo);
  // A byte order mark is no part of the first line; columns are counted without it.
  const text = given.text.replace(/^\ufeff/, '');
  const syntax = parseYaml(text);
  if (!syntax.sound) return { ok: false, diagnostics: syntaxDiagnostics(file, text, syntax) };
  const duplicates = findDuplicates(syntax.document);
  const readings = Array.from({ length: duplicates.readings }, (_, reading) =>
    read({ file, text, isAlone: source === undefined }, syntax, inputs, reading),
  );
  const [{ document, parsed }] = readings as [Reading];
  const told = readings.map(({ diagnostics }) => diagnostics);
  const diagnostics = sortDiagnostics(agreed(told, duplicates, syntax.lines));
  const isRefused = diagnostics.some(({ severity }) => severity === 'error');
  if (parsed === undefined || isRefused) return { ok: false, diagnostics, document };
  return { ok: true, config: settle(parsed, document, inputs.baseDir), document, warnings: diagnostics };
}

interface Reading {
  readonly document: ConfigDocument;
  readonly parsed: Parsed | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

interface Given extends Source {
  /** Whether nobody wrote it: the environment stands by itself. */
  readonly isAlone: boolean;
}

function read({ file, text, isAlone }: Given, syntax: Syntax, inputs: Inputs, reading: number): Reading {
  const tree = readTree(syntax.document, syntax.root, inputs, reading);
  const environment = readEnvironment(inputs, tree.values, isAlone);
  const document = new ConfigDocument(file, text, syntax, tree, environment.overlays);
  const { parsed, problems } = validate(document, inputs);
  const placed = [...problems, ...literalSecrets(document)]
    .filter(({ path }) => !document.isPoisoned(path))
    .map((problem) => document.at(problem.path, problem));
  const diagnostics = [
    ...environment.diagnostics,
    ...syntax.problems.map((problem) => document.atSpan(problem, problem)),
    ...tree.problems.map((problem) => document.atNode(problem)),
    ...placed,
    ...builtInOptions(document, inputs.optionSchemas ?? {}),
  ];
  return { document, parsed, diagnostics };
}

/** What is wrong with the options of built-in plugins, whatever else is wrong. */
function builtInOptions(
  document: ConfigDocument,
  schemas: Readonly<Record<string, z.ZodType>>,
): Diagnostic[] {
  return writtenEntries(document).flatMap(({ path, plugin, options }) => {
    const optionSchema = Object.hasOwn(schemas, plugin) ? schemas[plugin] : undefined;
    return optionSchema === undefined ? [] : wrongOptions(document, path, options, optionSchema);
  });
}

/** Problems of a text that is not YAML. Its tree is read for one thing: knowing what not to show. */
function syntaxDiagnostics(file: string, text: string, syntax: Syntax): Diagnostic[] {
  const blind = { env: {}, readFile: () => '', baseDir: '/' };
  const document = new ConfigDocument(file, text, syntax, readTree(syntax.document, syntax.root, blind), []);
  return sortDiagnostics(syntax.problems.map((problem) => document.atSpan(problem, problem)));
}

function validate(
  document: ConfigDocument,
  inputs: Inputs,
): { parsed: Parsed | undefined; problems: PlacedProblem[] } {
  const { plugins, baseDir } = inputs;
  let result = schema.safeParse(document.values());
  if (!result.success) {
    const changes = retyped(document, [], result.error.issues);
    for (const [path, value] of changes) document.retype(path, value);
    if (changes.length > 0) result = schema.safeParse(document.values());
  }
  const values = document.values();
  const related = isMap(values)
    ? [
        ...relationProblems(values, plugins),
        ...socketProblems(values, baseDir),
        ...certificateProblems(values, inputs),
      ]
    : [];
  if (result.success) return { parsed: result.data, problems: related };
  const shape = explainIssues(result.error.issues, values, keySchema(schema));
  const remaining = shape
    .filter(({ path }) => !isCovered(path, related))
    .map((problem) => aboutText(problem, document));
  return { parsed: undefined, problems: [...related, ...remaining] };
}

/** What a reference stands for is text, which "remove the quotes" would not change. */
function aboutText(problem: PlacedProblem, document: ConfigDocument): PlacedProblem {
  if (problem.code !== 'FIELD_TYPE' || document.interpolated(problem.path) === undefined) return problem;
  return { ...problem, hint: 'a reference gives text, and this text is of another type' };
}

/** Whether a relation says more about what stands at a path than the type error it causes. */
function isCovered(path: Path, related: readonly PlacedProblem[]): boolean {
  return related.some(
    (problem) =>
      problem.severity !== 'warning' && problem.isContainer !== true && isWithin(path, problem.path),
  );
}
