// `${env:X}`, `${file:/p}`, `${secret:name}` within one scalar. Works on values, never on the text of the file,
// so what a reference holds cannot change the structure. Must not know where in the document the scalar stands.
import { resolve } from 'node:path';
import { suggest } from '../lib/suggest.ts';
import type { Code } from './codes.ts';
import { MASK } from './secret.ts';

/** What references may look at. `readFile` takes an absolute path and throws when there is nothing to read. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string;
  readonly baseDir: string;
  /** Where secrets are that the system does not provide as files. */
  readonly vault?: Vault | undefined;
  /** Whether secrets are left unread, and a word stands for each. */
  readonly isBlind?: boolean | undefined;
}

/** Secrets that were looked up before the reading began. */
export interface Vault {
  /** Undefined where there is none of that name. */
  find(name: string): VaultAnswer | undefined;
  /** Where it looks, for people. */
  readonly places: readonly string[];
}

/** The value, or why it cannot be had although it is there. */
export type VaultAnswer = { readonly value: string } | { readonly fault: string; readonly hint: string };

export interface Reference {
  readonly kind: 'env' | 'file' | 'secret';
  readonly name: string;
  readonly preset: string | undefined;
  /** As written, `${` to `}`. */
  readonly written: string;
}

export type Part = string | Reference;

export interface ReferenceProblem {
  readonly code: Code;
  readonly message: string;
  readonly hint?: string;
  /** The text of the scalar that is to blame. */
  readonly written: string;
}

const KINDS = ['env', 'file', 'secret'] as const;
const TOKEN = /\$\$\{|\$\{([^}]*)(\}?)/g;
const SCHEME = /^(?:Basic|Bearer|Token|ApiKey|Key) $/i;

/** Takes a scalar apart into literal text and references; `$${` becomes a literal `${`. */
export function parseReferences(text: string): { parts: Part[]; problems: ReferenceProblem[] } {
  const parts: Part[] = [];
  const problems: ReferenceProblem[] = [];
  let end = 0;
  const literal = (piece: string): void => {
    const last = parts.at(-1);
    if (typeof last === 'string') parts[parts.length - 1] = last + piece;
    else if (piece !== '') parts.push(piece);
  };
  for (const match of text.matchAll(TOKEN)) {
    literal(text.slice(end, match.index));
    end = match.index + match[0].length;
    if (match[0] === '$${') {
      literal('${');
      continue;
    }
    const found = match[2] === '' ? unclosed(match[0]) : parseOne(match[0], match[1] ?? '');
    if ('code' in found) problems.push(found);
    else parts.push(found);
  }
  literal(text.slice(end));
  return { parts, problems };
}

/**
 * What a reference stands for.
 * `env`: the variable; the default where it is unset or empty. `file` and `secret`: the file without one trailing
 * newline.
 */
export function resolveReference(reference: Reference, world: World): { value: string } | ReferenceProblem {
  if (reference.kind === 'env') return readVariable(reference, world);
  if (reference.kind === 'secret') return readSecret(reference, world);
  try {
    return { value: trim(world.readFile(resolve(world.baseDir, reference.name))) };
  } catch (error) {
    return {
      code: 'FILE_UNREADABLE',
      message: `cannot read "${reference.name}": ${reason(error)}`,
      written: reference.written,
    };
  }
}

/** The scalar as it may be shown where its literal text could be a secret: `Bearer ${env:X}`, `••••`. */
export function maskLiterals(parts: readonly Part[]): string {
  return parts
    .map((part) => {
      if (typeof part === 'string') return SCHEME.test(part) ? part : MASK;
      return part.preset ? `\${env:${part.name}:-${MASK}}` : part.written;
    })
    .join('');
}

function parseOne(written: string, inside: string): Reference | ReferenceProblem {
  const colon = inside.indexOf(':');
  const word = colon < 0 ? inside : inside.slice(0, colon);
  const kind = KINDS.find((known) => known === word);
  if (colon < 0 || kind === undefined) {
    const meant = suggest(word, KINDS);
    const fixed =
      colon < 0
        ? `\${env:${inside}}`
        : meant === undefined
          ? undefined
          : `\${${meant}${inside.slice(colon)}}`;
    const hint = `${fixed === undefined ? 'use env, file or secret' : `did you mean ${fixed}?`} (for the characters themselves write $\${)`;
    return { code: 'REFERENCE_INVALID', message: 'not a reference', hint, written };
  }
  const rest = inside.slice(colon + 1);
  const split = kind === 'env' ? rest.indexOf(':-') : -1;
  const name = split < 0 ? rest : rest.slice(0, split);
  const preset = split < 0 ? undefined : rest.slice(split + 2);
  const fine = kind === 'env' ? /^[A-Za-z_]\w*$/ : kind === 'secret' ? /^(?!\.)[\w.-]{1,255}$/ : /^[^\0]+$/;
  if (fine.test(name)) return { kind, name, preset, written };
  const what = kind === 'env' ? 'a variable' : kind === 'secret' ? 'a secret' : 'a file';
  return { code: 'REFERENCE_INVALID', message: `not the name of ${what}`, written };
}

function unclosed(written: string): ReferenceProblem {
  const hint = 'add "}"; for the characters themselves write $${';
  return {
    code: 'REFERENCE_INVALID',
    message: 'a reference is not closed',
    hint,
    written: written.slice(0, 40),
  };
}

function readVariable(reference: Reference, world: World): { value: string } | ReferenceProblem {
  const value = world.env[reference.name];
  if (reference.preset !== undefined && (value === undefined || value === ''))
    return { value: reference.preset };
  if (value !== undefined) return { value };
  const similar = suggest(reference.name, Object.keys(world.env));
  const hint =
    similar === undefined
      ? `set it, or write \${env:${reference.name}:-default}`
      : `did you mean ${similar}?`;
  return { code: 'ENV_UNDEFINED', message: `${reference.name} is not set`, hint, written: reference.written };
}

/** Where the system provides a secret as a file, those that count first. */
export function secretFiles(name: string, { env, baseDir }: Pick<World, 'env' | 'baseDir'>): string[] {
  const directories = [...(env.CREDENTIALS_DIRECTORY ? [env.CREDENTIALS_DIRECTORY] : []), '/run/secrets'];
  return directories.map((directory) => resolve(baseDir, directory, name));
}

function readSecret(reference: Reference, world: World): { value: string } | ReferenceProblem {
  const { name, written } = reference;
  // No word that stands in examples: what it is judged by is not known.
  if (world.isBlind === true) return { value: 'unread-secret' };
  const problem = (message: string, hint: string): ReferenceProblem => ({
    code: 'SECRET_UNDEFINED',
    message,
    hint,
    written,
  });
  const files = secretFiles(name, world);
  for (const file of files) {
    const text = textOf(file, world);
    if (text === undefined) continue;
    return text === '' ? problem(`secret "${name}" is empty`, `write it into ${file}`) : { value: text };
  }
  const found = world.vault?.find(name);
  if (found !== undefined && 'value' in found) return found;
  if (found !== undefined)
    return { code: 'SECRET_UNREADABLE', message: found.fault, hint: found.hint, written };
  const places = [...files, ...(world.vault?.places ?? [])];
  return problem(
    `there is no secret "${name}"`,
    `type: sluice secrets set ${name}  (not in ${places.join(', ')})`,
  );
}

/** Undefined where there is none; the next place may have it. */
function textOf(file: string, world: World): string | undefined {
  try {
    return trim(world.readFile(file));
  } catch {
    return undefined;
  }
}

function trim(text: string): string {
  return text.replace(/\r?\n$/, '');
}

/** The system's word for a failure. Never the message: it could quote what was read. */
export function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'EISDIR') return 'it is a directory';
  if (code === 'EFBIG') return 'it is too long';
  return typeof code === 'string' ? code : 'it failed';
}
