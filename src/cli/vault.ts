// Where `${secret:NAME}` is found beside the files that the system provides: the keychain, else the encrypted file of
// the state directory. Asked once for each reading, for the names that it needs.

import { join } from 'node:path';
import type { Vault, VaultAnswer } from '../config/interpolate.ts';
import { CliError } from './exit.ts';
import { type Keychain, KeychainAway } from './keychain.ts';
import { keyFileOf, masterKey } from './master-key.ts';
import { readSecretFile, SECRET_FILE, type SecretFile } from './secret-file.ts';
import type { Shell } from './shell.ts';

/** The files that it reads. */
export function vaultFiles({ env }: Pick<Shell, 'env'>, dir: string): string[] {
  return [join(dir, SECRET_FILE), keyFileOf({ env }, dir)];
}

/** Gives what these names have now. @param dir the state directory */
export async function openVault(
  shell: Pick<Shell, 'env' | 'keychain'>,
  dir: string,
  names: readonly string[],
): Promise<Vault> {
  const { found, away } = await askKeychain(shell.keychain, names);
  const file = attempt(() => readSecretFile(dir));
  const path = join(dir, SECRET_FILE);
  return {
    places: [away === undefined ? 'the keychain' : `the keychain (${away})`, path],
    find(name) {
      const value = found.get(name);
      if (value !== undefined) return { value };
      if ('fault' in file) return file;
      if (file.value.keychain.includes(name))
        return {
          fault:
            away === undefined
              ? // A Secret Service that is locked finds nothing, and says no more than that.
                `secret "${name}" was put into the keychain, which does not have it now: is it locked?`
              : `secret "${name}" is in the keychain, and that is away: ${away}`,
          hint: AWAY,
        };
      return inFile(file.value, name, shell, dir);
    },
  };
}

const AWAY = 'unlock it, or keep the secret in a file: sluice secrets set NAME --store file';

async function askKeychain(
  keychain: Keychain,
  names: readonly string[],
): Promise<{ found: Map<string, string>; away: string | undefined }> {
  const found = new Map<string, string>();
  try {
    for (const name of names) {
      const value = await keychain.get(name);
      if (value !== undefined && value !== '') found.set(name, value);
    }
    return { found, away: undefined };
  } catch (error) {
    if (error instanceof KeychainAway) return { found, away: error.message };
    throw error;
  }
}

function inFile(
  file: SecretFile,
  name: string,
  shell: Pick<Shell, 'env'>,
  dir: string,
): VaultAnswer | undefined {
  const opened = attempt(() => file.open(name, masterKey(shell, dir, { make: false, id: file.key })));
  if ('fault' in opened) return file.names.has(name) ? opened : undefined;
  return opened.value === undefined ? undefined : { value: opened.value };
}

type Attempt<T> = { readonly value: T } | { readonly fault: string; readonly hint: string };

function attempt<T>(act: () => T): Attempt<T> {
  try {
    return { value: act() };
  } catch (error) {
    if (error instanceof CliError) return { fault: error.message, hint: error.hint ?? '' };
    throw error;
  }
}
