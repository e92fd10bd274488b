// `sluice secrets`: values for `${secret:NAME}` put away, shown by name and place, taken out. No value is an argument,
// and none is ever printed.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { secretFiles } from '../config/interpolate.ts';
import { wantsOf } from '../config/wants.ts';
import { createReader } from './config.ts';
import { CliError, EXIT } from './exit.ts';
import { KeychainAway } from './keychain.ts';
import { visible } from './log-fields.ts';
import { masterKey } from './master-key.ts';
import { stateDir } from './paths.ts';
import { readBounded } from './read-bounded.ts';
import { confirmed, readSecret } from './read-secret.ts';
import {
  changeSecretFile,
  readSecretFile,
  SECRET_FILE,
  SECRET_NAME,
  type SecretFile,
} from './secret-file.ts';
import type { Shell } from './shell.ts';

const STORES = ['keychain', 'file'] as const;
type Store = (typeof STORES)[number];

export interface SecretOptions {
  readonly config?: string | undefined;
  readonly store?: string | undefined;
  readonly json?: boolean | undefined;
  readonly yes?: boolean | undefined;
}

interface Place {
  readonly dir: string;
  /** Places of the configuration by name. */
  readonly used: ReadonlyMap<string, readonly string[]>;
  /** Files that the system would provide, absolute. */
  files(name: string): readonly string[];
}

/** A configuration that does not stand names its secrets all the same. */
export function placeOf(shell: Shell, { config }: SecretOptions): Place {
  const reader = createReader(shell, config);
  const { env, cwd } = shell;
  const file = reader.file();
  const baseDir = file === undefined ? cwd : join(file, '..');
  const { secrets, stateDir: configured } = wantsOf(reader.text(), { env, readFile: readBounded, baseDir });
  return {
    dir: stateDir(shell, configured),
    used: secrets,
    files: (name) => secretFiles(name, { env, baseDir }),
  };
}

export async function setSecret(shell: Shell, name: string, options: SecretOptions): Promise<number> {
  requireName(name);
  const wanted = storeOf(options.store);
  const place = placeOf(shell, options);
  // What cannot be written is told before anybody types.
  readSecretFile(place.dir);
  const value = await readSecret(shell, name);
  shell.redact.learn([value]);
  const store = await put(shell, place.dir, name, value, wanted);
  if (options.json === true) shell.out.write(`${JSON.stringify({ version: 1, name, store })}\n`);
  else shell.out.write(`${name} is in ${whereOf(store, place.dir)}\n`);
  for (const file of place.files(name).filter(existsSync))
    shell.err.write(`but ${visible(file)} is there, too, and counts first\n`);
  return EXIT.ok;
}

/** In one place alone: an older value in another would count, or come back one day. */
async function put(
  shell: Shell,
  dir: string,
  name: string,
  value: string,
  wanted: Store | undefined,
): Promise<Store> {
  if (wanted !== 'file') {
    try {
      await shell.keychain.set(name, value);
      changeSecretFile(dir, (file) => file.inKeychain(name));
      return 'keychain';
    } catch (error) {
      if (!(error instanceof KeychainAway)) throw error;
      if (wanted === 'keychain')
        throw new CliError(EXIT.failed, `no keychain: ${error.message}`, 'use --store file');
    }
  }
  const id = readSecretFile(dir).key;
  const made = masterKey(shell, dir, { make: false, id }) === undefined;
  const key = masterKey(shell, dir, { make: true, id });
  if (key === undefined) throw new Error('a key that was made is there');
  changeSecretFile(dir, (file) => file.seal(name, value, key, Date.now()));
  await shell.keychain.delete(name).catch(orAway);
  if (made)
    shell.err.write(
      `made ${visible(key.from)}: who can read it and ${SECRET_FILE} has the secrets; keep the key elsewhere with SLUICE_MASTER_KEY_FILE\n`,
    );
  return 'file';
}

interface Row {
  readonly name: string;
  /** Where it counts: `keychain`, `file`, the path of a file that the system provides, or nowhere. */
  readonly store: string;
  readonly used: readonly string[];
}

export async function listSecrets(shell: Shell, options: SecretOptions): Promise<number> {
  const place = placeOf(shell, options);
  const file = readSecretFile(place.dir);
  const names = new Set([...place.used.keys(), ...file.names.keys(), ...file.keychain]);
  const rows: Row[] = [];
  for (const name of [...names].sort())
    rows.push({ name, store: await storeHaving(shell, place, file, name), used: place.used.get(name) ?? [] });
  if (options.json === true) {
    shell.out.write(`${JSON.stringify({ version: 1, file: file.path, secrets: rows })}\n`);
    return EXIT.ok;
  }
  const width = (of: (row: Row) => string): number => Math.max(0, ...rows.map((row) => of(row).length));
  const [first, second] = [width(({ name }) => name), width(({ store }) => store)];
  for (const { name, store, used } of rows)
    shell.out.write(
      `${name.padEnd(first)}  ${visible(store).padEnd(second)}  ${used.length === 0 ? 'not used' : used.map(visible).join(', ')}\n`,
    );
  if (rows.length === 0) shell.err.write('no secrets: `sluice secrets set NAME` puts one away\n');
  return EXIT.ok;
}

async function storeHaving(shell: Shell, place: Place, file: SecretFile, name: string): Promise<string> {
  const provided = place.files(name).find(existsSync);
  if (provided !== undefined) return provided;
  const isThere = await shell.keychain.get(name).then(
    (value) => value !== undefined,
    () => undefined,
  );
  if (isThere === true) return 'keychain';
  if (file.names.has(name)) return 'file';
  if (!file.keychain.includes(name)) return 'missing';
  return isThere === undefined ? 'keychain (away)' : 'keychain (locked, or removed there)';
}

export async function removeSecret(shell: Shell, name: string, options: SecretOptions): Promise<number> {
  requireName(name);
  const place = placeOf(shell, options);
  const used = place.used.get(name) ?? [];
  if (used.length > 0 && options.yes !== true && !(await confirmed(shell, name, used)))
    throw new CliError(
      EXIT.failed,
      `"${name}" is used by ${used.join(', ')}`,
      'to remove it all the same: --yes',
    );
  const known = readSecretFile(place.dir);
  const inKeychain = await shell.keychain.delete(name).catch((error: unknown) => {
    orAway(error);
    if (known.keychain.includes(name))
      throw new CliError(EXIT.failed, `the keychain has it, and is away: ${String(error)}`, 'unlock it');
    return false;
  });
  const isKnown = known.names.has(name) || known.keychain.includes(name);
  const was = isKnown ? changeSecretFile(place.dir, (file) => file.forget(name)) : { file: false };
  const stores = [...(inKeychain ? ['keychain'] : []), ...(was.file ? ['file'] : [])] as Store[];
  if (stores.length === 0) throw missing(name, place);
  if (options.json === true) shell.out.write(`${JSON.stringify({ version: 1, name, removed: stores })}\n`);
  else
    shell.out.write(
      `${name} is no longer in ${stores.map((store) => whereOf(store, place.dir)).join(' and ')}\n`,
    );
  return EXIT.ok;
}

function missing(name: string, place: Place): CliError {
  const provided = place.files(name).find(existsSync);
  if (provided === undefined)
    return new CliError(EXIT.failed, `there is no secret "${name}"`, '`sluice secrets list` shows all');
  return new CliError(EXIT.failed, `"${name}" is ${provided}`, 'who provides that file removes it');
}

function orAway(error: unknown): void {
  if (!(error instanceof KeychainAway)) throw error;
}

function whereOf(store: Store, dir: string): string {
  return store === 'keychain' ? 'the keychain' : visible(join(dir, SECRET_FILE));
}

function requireName(name: string): void {
  if (!SECRET_NAME.test(name))
    throw new CliError(
      EXIT.usage,
      `"${visible(name)}" is no name of a secret`,
      'use letters, digits, _, - and .',
    );
}

function storeOf(text: string | undefined): Store | undefined {
  const store = STORES.find((known) => known === text);
  if (text === undefined || store !== undefined) return store;
  throw new CliError(
    EXIT.usage,
    `no store is called "${visible(text)}"`,
    `use --store ${STORES.join(' or ')}`,
  );
}
