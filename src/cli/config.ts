// Finds gateway.yaml and reads it, or says what stands in for it. The only reader of the file.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import type { Diagnostic } from '../config/diagnostic.ts';
import { BUILT_IN, namesUpstream } from '../config/env.ts';
import { type LoadResult, loadConfig } from '../config/load.ts';
import { systemCode } from './exit.ts';
import { configCandidates } from './paths.ts';
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
 * A reader of the configuration that `--config` or $SLUICE_CONFIG names, else of the first that exists. One that was
 * found by search is searched again at each reading, so that a file written later counts at the next reload.
 */
export function createReader(shell: Shell, named: string | undefined): Reader {
  const fixed = named ?? (shell.env.SLUICE_CONFIG || undefined);
  const file = (): string | undefined =>
    fixed !== undefined
      ? resolve(shell.cwd, fixed)
      : configCandidates(shell).find((path) => existsSync(path));
  return {
    file,
    name: () => {
      const path = file();
      if (path !== undefined) return display(path, shell.cwd);
      return (namesUpstream(shell.env) ? BUILT_IN.environment : BUILT_IN.demo).file;
    },
    read: () => readConfig(shell, file()),
  };
}

function readConfig(shell: Shell, path: string | undefined): LoadResult {
  const inputs = {
    env: shell.env,
    readFile: (wanted: string) => readFileSync(wanted, 'utf8'),
    baseDir: path === undefined ? shell.cwd : dirname(path),
    plugins: Object.keys(shell.plugins),
    optionSchemas: Object.fromEntries(
      Object.entries(shell.plugins).map(([name, { schema }]) => [name, schema]),
    ),
  };
  if (path === undefined) return loadConfig(undefined, inputs);
  const file = display(path, shell.cwd);
  try {
    return loadConfig({ file, text: readFileSync(path, 'utf8') }, inputs);
  } catch (error) {
    return { ok: false, diagnostics: [unreadable(file, systemCode(error))] };
  }
}

function unreadable(file: string, code: string | undefined): Diagnostic {
  const why = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'it is a directory' : code;
  return {
    severity: 'error',
    code: 'FILE_UNREADABLE',
    message: `the configuration cannot be read${why === undefined ? '' : `: ${why}`}`,
    file,
    line: 0,
    column: 0,
    length: 0,
    hint: code === 'ENOENT' ? '`sluice init` writes one' : 'check the path and its rights',
    frame: [],
  };
}

/** A path as a person near it would write it. */
export function display(path: string, cwd: string): string {
  const near = relative(cwd, path);
  return near === '' || near.startsWith('..') ? path : near;
}
