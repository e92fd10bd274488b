// Which audit log a command is about: the directory that is named, else the one that the configuration writes to.

import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { createReader } from './config.ts';
import { ConfigError } from './diagnostics.ts';
import { CliError, EXIT, systemCode } from './exit.ts';
import { stateDir } from './paths.ts';
import type { Shell } from './shell.ts';

export interface Named {
  readonly config?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface Place {
  readonly directory: string;
  /** Where the log's own key lies, as far as that is known. */
  readonly keyFile: string | undefined;
  /** Who vouches for principals there. */
  readonly issuers: readonly string[];
}

/** @throws CliError where there is none, or several */
export function placeOf(shell: Shell, directory: string | undefined, named: Named): Place {
  const [first, ...others] = placesOf(shell, directory === undefined ? [] : [directory], named);
  if (first && others.length === 0) return first;
  const all = [first, ...others].map((place) => place?.directory).join(' or ');
  throw new CliError(EXIT.usage, 'the configuration has several audit logs', `name one: ${all}`);
}

/** @throws CliError where none is named and the configuration has none */
export function placesOf(shell: Shell, directories: readonly string[], named: Named): Place[] {
  const own = named.keyFile === undefined ? undefined : resolve(shell.cwd, named.keyFile);
  const configured = configuredPlaces(shell, named, directories.length === 0);
  if (directories.length === 0)
    return configured.map((place) => ({ ...place, keyFile: own ?? place.keyFile }));
  return directories.map((each) => {
    const directory = resolve(shell.cwd, each);
    const known = configured.find((place) => place.directory === directory);
    return { directory, keyFile: own ?? known?.keyFile, issuers: known?.issuers ?? [] };
  });
}

function configuredPlaces(shell: Shell, { config }: Named, isNeeded: boolean): Place[] {
  const reading = createReader(shell, config).look();
  if (!reading.ok) {
    if (isNeeded || config !== undefined) throw new ConfigError(reading.diagnostics);
    return [];
  }
  const { usual } = shell.auditLog;
  const state = stateDir(shell, reading.config.state.dir);
  const places = reading.config.pipeline
    .filter(({ plugin, mode }) => plugin === 'audit' && mode !== 'off')
    .map(({ options }) => ({
      directory: resolve(state, typeof options?.to === 'string' ? options.to : usual.directory),
      keyFile: resolve(state, keyFileIn(options?.key) ?? usual.keyFile),
      issuers: issuersIn(reading.config),
    }));
  if (places.length > 0 || !isNeeded) return places;
  throw new CliError(
    EXIT.usage,
    'no audit log is named, and the configuration writes none',
    'name its directory, or say --config',
  );
}

/** Of all entries `auth`. */
function issuersIn({ pipeline }: Config): string[] {
  const named = pipeline
    .filter(({ plugin }) => plugin === 'auth')
    .flatMap(({ options }) => options?.issuers ?? []);
  return named.flatMap((each) =>
    typeof each === 'object' && each !== null && 'issuer' in each && typeof each.issuer === 'string'
      ? [each.issuer]
      : [],
  );
}

function keyFileIn(key: unknown): string | undefined {
  const { file } = Object(key) as { file?: unknown };
  return typeof file === 'string' ? file : undefined;
}

/** The public key of a log, as given or in a file that is named. */
export function keyText(shell: Shell, key: string): string {
  const file = resolve(shell.cwd, key);
  return existsSync(file) ? readText(file).trim() : key;
}

/** The public half of the key that lies where the gateway has it; undefined where it cannot be read. */
export function publicKeyOf(shell: Shell, { directory, keyFile }: Place): string | undefined {
  if (keyFile === undefined) return undefined;
  try {
    return shell.auditLog.publicKey(keyFile, directory);
  } catch {
    return undefined;
  }
}

/** @throws CliError where it cannot be read */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(
      EXIT.usage,
      `cannot read ${file}: ${systemCode(error)}`,
      'check the path and its rights',
    );
  }
}
