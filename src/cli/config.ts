// Finds gateway.yaml and reads it, or says what stands in for it. The only reader of the file.

import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import type { Diagnostic } from '../config/diagnostic.ts';
import { BUILT_IN, namesUpstream } from '../config/env.ts';
import { type Inputs, type LoadResult, loadConfig } from '../config/load.ts';
import { CliError, EXIT, systemCode } from './exit.ts';
import { configCandidates } from './paths.ts';
import { LONGEST_TEXT, readBounded, STDIN } from './read-bounded.ts';
import type { Shell } from './shell.ts';

export interface Reader {
  /** The file that counts now, absolute; undefined where the environment or the demo stands in. */
  file(): string | undefined;
  /** As people are told: `gateway.yaml`, `built-in demo`. */
  name(): string;
  /** Reads it afresh, environment included. */
  read(): LoadResult;
}

/**
 * A reader of the configuration that `--config` or $SLUICE_CONFIG names, else of the first that exists. What was found
 * stays: a file that is gone at a later reading, or empty, was not meant to turn the gateway into the demo. Where
 * nothing was found, each reading searches again, so that a file written later counts at the next reload.
 */
export function createReader(shell: Shell, named: string | undefined): Reader {
  const fixed = named ?? (shell.env.SLUICE_CONFIG || undefined);
  if (fixed === DASH) {
    const hint = 'only `sluice check` reads it from stdin; others read it more than once';
    throw new CliError(EXIT.usage, 'the configuration has to be a file here', hint);
  }
  let found = fixed === undefined ? undefined : resolve(shell.cwd, fixed);
  let wasWritten = false;
  const file = (): string | undefined => {
    found ??= configCandidates(shell).find((path) => existsSync(path));
    return found;
  };
  return {
    file,
    name: () => {
      const path = file();
      if (path !== undefined) return display(path, shell.cwd);
      return (namesUpstream(shell.env) ? BUILT_IN.environment : BUILT_IN.demo).file;
    },
    read: () => {
      const path = file();
      if (path === undefined) return loaded(shell, undefined, inputsOf(shell, path));
      const shown = display(path, shell.cwd);
      try {
        const text = readBounded(path);
        if (wasWritten && isBlank(text))
          return { ok: false, diagnostics: [unreadable(shown, 'it is empty')] };
        wasWritten ||= !isBlank(text);
        return loaded(shell, { file: shown, text }, inputsOf(shell, path));
      } catch (error) {
        return { ok: false, diagnostics: [unreadable(shown, systemCode(error))] };
      }
    },
  };
}

/** What stands for stdin where a file is named. */
const DASH = '-';

/** For a command that reads the configuration once: from stdin where it is named `-`, else as `createReader`. */
export function createOnceReader(shell: Shell, named: string | undefined): Reader {
  if (named !== DASH) return createReader(shell, named);
  const name = 'stdin';
  return {
    file: () => undefined,
    name: () => name,
    read: () => {
      try {
        return loaded(shell, { file: name, text: readBounded(STDIN) }, inputsOf(shell, undefined));
      } catch (error) {
        return { ok: false, diagnostics: [unreadable(name, systemCode(error))] };
      }
    },
  };
}

/** Whatever is wrong with it, its secrets are in no text from now on. */
function loaded(shell: Shell, ...[source, inputs]: Parameters<typeof loadConfig>): LoadResult {
  const result = loadConfig(source, inputs);
  shell.redact.learn(result.document?.secrets() ?? []);
  return result;
}

/** Nothing but space and comments, as a file is in the moment when it is written anew. */
function isBlank(text: string): boolean {
  return text.split('\n').every((line) => /^\ufeff?\s*(?:#|$)/.test(line));
}

function inputsOf(shell: Shell, path: string | undefined): Inputs {
  return {
    env: shell.env,
    readFile: readBounded,
    baseDir: path === undefined ? shell.cwd : dirname(path),
    plugins: Object.keys(shell.plugins),
    optionSchemas: Object.fromEntries(
      Object.entries(shell.plugins).map(([name, { schema }]) => [name, schema]),
    ),
  };
}

const WHY: Readonly<Record<string, { why: string; hint?: string }>> = {
  ENOENT: { why: 'no such file', hint: '`sluice init` writes one' },
  EISDIR: { why: 'it is a directory' },
  EFBIG: { why: `it is longer than ${LONGEST_TEXT}`, hint: 'no configuration is; check the path' },
};

function unreadable(file: string, code: string | undefined): Diagnostic {
  const { why = code, hint = 'check the path and its rights' } = (code && WHY[code]) || {};
  return {
    severity: 'error',
    code: 'FILE_UNREADABLE',
    message: `the configuration cannot be read${why === undefined ? '' : `: ${why}`}`,
    file,
    line: 0,
    column: 0,
    length: 0,
    hint,
    frame: [],
  };
}

/** A path as a person near it would write it. */
export function display(path: string, cwd: string): string {
  const near = relative(cwd, path);
  return near === '' || near.startsWith('..') ? path : near;
}
