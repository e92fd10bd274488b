// Finds gateway.yaml and reads it, or says what stands in for it. The only reader of the file.

import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import type { Diagnostic } from '../config/diagnostic.ts';
import type { ConfigDocument } from '../config/document.ts';
import { BUILT_IN, namesUpstream } from '../config/env.ts';
import { secretFiles, type Vault } from '../config/interpolate.ts';
import { type Inputs, type LoadResult, loadConfig, type Source } from '../config/load.ts';
import { wantsOf } from '../config/wants.ts';
import { CliError, EXIT, systemCode } from './exit.ts';
import { configCandidates, stateDir } from './paths.ts';
import { LONGEST_TEXT, readBounded, STDIN } from './read-bounded.ts';
import type { Shell } from './shell.ts';
import { openVault, vaultFiles } from './vault.ts';

export interface Reader {
  /** The file that counts now, absolute; undefined where the environment or the demo stands in. */
  file(): string | undefined;
  /** As people are told: `gateway.yaml`, `built-in demo`. */
  name(): string;
  /**
   * Reads it afresh, environment and secrets included.
   * @param again read this text instead of the file's: what its references stand for may have changed
   */
  read(again?: ConfigDocument): Promise<LoadResult>;
  /** Reads it for those who need nothing of a secret, nor of plugins: asks no keychain, judges no options. */
  look(): LoadResult;
  /** The text, as far as there is one: for those who look for something in it, whatever is wrong with it. */
  text(): string;
  /** Files that the last reading looked for beside the configuration: what secrets and references stand for. */
  inputs(): readonly string[];
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
  const source = (): Source | undefined => {
    const path = file();
    if (path === undefined) return undefined;
    const shown = display(path, shell.cwd);
    const text = textOf(shown, path);
    if (wasWritten && isBlank(text)) throw new Unreadable(unreadable(shown, 'it is empty'));
    wasWritten ||= !isBlank(text);
    return { file: shown, text };
  };
  return readerOf(shell, { file, source });
}

/** What stands for stdin where a file is named. */
const DASH = '-';

/** For a command that reads the configuration once: from stdin where it is named `-`, else as `createReader`. */
export function createOnceReader(shell: Shell, named: string | undefined): Reader {
  if (named !== DASH) return createReader(shell, named);
  const name = 'stdin';
  return readerOf(
    shell,
    { file: () => undefined, source: () => ({ file: name, text: textOf(name, STDIN) }) },
    name,
  );
}

interface Origin {
  readonly file: Reader['file'];
  /** @throws Unreadable */
  readonly source: () => Source | undefined;
}

/** @param fixedName what it is called where it is no file */
function readerOf(shell: Shell, { file, source }: Origin, fixedName?: string): Reader {
  let seen: readonly string[] = [];
  return {
    file,
    name: () => {
      const path = file();
      if (path !== undefined) return display(path, shell.cwd);
      return fixedName ?? (namesUpstream(shell.env) ? BUILT_IN.environment : BUILT_IN.demo).file;
    },
    read: (again) =>
      orUnreadable(async () => {
        const given = again === undefined ? source() : again.source();
        const inputs = inputsOf(shell, file());
        const looked = new Set<string>();
        const readFile = (path: string): string => {
          looked.add(path);
          return readBounded(path);
        };
        const vault = await vaultFor(shell, given, inputs, looked);
        const result = loadConfig(given, { ...inputs, readFile, vault });
        seen = [...looked];
        // Whatever is wrong with it, its secrets are in no text from now on.
        shell.redact.learn(result.document?.secrets() ?? []);
        return result;
      }),
    look: () => {
      try {
        return loadConfig(source(), { ...inputsOf(shell, file()), isBlind: true, optionSchemas: {} });
      } catch (error) {
        return refusal(error);
      }
    },
    text: () => {
      try {
        return source()?.text ?? '';
      } catch {
        return '';
      }
    },
    inputs: () => seen,
  };
}

/** Only where a secret is named: a keychain may ask its user. */
async function vaultFor(
  shell: Shell,
  source: Source | undefined,
  inputs: Inputs,
  looked: Set<string>,
): Promise<Vault | undefined> {
  const { secrets, stateDir: configured } = wantsOf(source?.text ?? '', inputs);
  if (secrets.size === 0) return undefined;
  const dir = stateDir(shell, configured);
  for (const path of vaultFiles(shell, dir)) looked.add(path);
  const missing = [...secrets.keys()].filter((name) => !secretFiles(name, inputs).some(existsSync));
  return missing.length === 0 ? undefined : openVault(shell, dir, missing);
}

class Unreadable extends Error {
  constructor(readonly diagnostic: Diagnostic) {
    super(diagnostic.message);
  }
}

async function orUnreadable(read: () => Promise<LoadResult>): Promise<LoadResult> {
  try {
    return await read();
  } catch (error) {
    return refusal(error);
  }
}

function refusal(error: unknown): LoadResult {
  if (error instanceof Unreadable) return { ok: false, diagnostics: [error.diagnostic] };
  throw error;
}

/** @throws Unreadable */
function textOf(shown: string, from: string | typeof STDIN): string {
  try {
    return readBounded(from);
  } catch (error) {
    throw new Unreadable(unreadable(shown, systemCode(error)));
  }
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
