// Where the files of API keys lie, as the configuration has it, and what the plugin `auth` lends to `sluice token` for
// its work on them. Must not know how they are written.

import { resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { JsonObject, JsonValue } from '../protocol/values.ts';
import { CliError, EXIT } from './exit.ts';
import { stateDir } from './paths.ts';
import type { Shell } from './shell.ts';

/** A key as its file has it. */
export interface KnownKey {
  readonly id: string;
  readonly principal: string;
  readonly tenant?: string | undefined;
  readonly scopes: readonly string[];
  readonly groups: readonly string[];
  /** Times are ISO 8601. */
  readonly created: string;
  readonly expires?: string | undefined;
  readonly revoked?: string | undefined;
  readonly note?: string | undefined;
}

export interface WantedKey {
  readonly principal: string;
  readonly tenant?: string;
  readonly scopes: string[];
  readonly groups: string[];
  readonly expires?: string;
  readonly note?: string;
}

/** All throw an Error, with a `hint` where there is something to do. */
export interface KeyFileTools {
  /** Its name in the state directory. */
  readonly usual: string;
  read(file: string): readonly KnownKey[];
  mint(file: string, wanted: WantedKey, now: number): { readonly key: string; readonly entry: KnownKey };
  /** @returns the key as it is now; undefined when there is none of that id */
  revoke(file: string, id: string, now: number): KnownKey | undefined;
  /** The id in a whole key. */
  idIn(key: string): string | undefined;
}

/** The files that entries `auth` of the configuration name, absolute, each once. */
export function configuredKeyFiles(shell: Shell, { pipeline, state }: Config): string[] {
  const files = pipeline
    .filter(({ plugin, mode }) => plugin === 'auth' && mode !== 'off')
    .map(({ options }) => options?.api_keys)
    .filter((keys) => keys !== undefined)
    .map((keys) => (isMap(keys) && typeof keys.file === 'string' ? keys.file : shell.keyFile.usual))
    .filter((file) => file !== 'off');
  return [...new Set(files.map((file) => resolve(stateDir(shell, state.dir), file)))];
}

/** Where a gateway looks that nobody told. */
export function usualKeyFile(shell: Shell, { state }: Pick<Config, 'state'>): string {
  return resolve(stateDir(shell, state.dir), shell.keyFile.usual);
}

/** @throws CliError in the place of what the tools throw */
export function withKeyFiles<T>(shell: Shell, act: (tools: KeyFileTools) => T): T {
  try {
    return act(shell.keyFile);
  } catch (error) {
    if (!(error instanceof Error) || error instanceof CliError) throw error;
    const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
    throw new CliError(EXIT.failed, error.message, hint);
  }
}

function isMap(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
