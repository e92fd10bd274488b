// `sluice secrets rekey`: the encrypted file under another key. No key is an argument, and none is printed.
//
// The new key is on disk before anything is encrypted with it, and takes the place of the old one after: whenever the
// machine stops, one of the two files has the key of the secrets (master-key.ts looks into both).

import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CliError, EXIT, systemCode } from './exit.ts';
import { visible } from './log-fields.ts';
import {
  keyFileOf,
  keyInFile,
  keyInText,
  MASTER_KEY_FILE,
  type MasterKey,
  masterKey,
  nextKeyFile,
} from './master-key.ts';
import { readSecretFile, resealSecretFile } from './secret-file.ts';
import { placeOf, type SecretOptions } from './secrets.ts';
import type { Shell } from './shell.ts';

export interface RekeyOptions extends SecretOptions {
  readonly newKeyFile?: string | undefined;
}

/** A key to come. */
interface Next {
  readonly key: MasterKey;
  /** Once everything is encrypted with it. */
  settle(): void;
  /** What is left to do by hand. */
  readonly advice?: string;
}

export async function rekeySecrets(shell: Shell, options: RekeyOptions): Promise<number> {
  const { dir } = placeOf(shell, options);
  const { key: id, path } = readSecretFile(dir);
  if (id === undefined)
    throw new CliError(
      EXIT.failed,
      `there is nothing encrypted in ${path}`,
      '`sluice secrets list` shows all',
    );
  const before = masterKey(shell, dir, { make: false, id });
  if (before === undefined || before.id !== id)
    throw new CliError(
      EXIT.failed,
      `${path} is encrypted with key ${id}, and ${before ? `${before.from} is key ${before.id}` : 'there is no key'}`,
      'the old key has to be there until the new one is',
    );
  const next = nextOf(shell, dir, before, options);
  if (next.key.id === id)
    throw new CliError(EXIT.failed, `${next.key.from} is the key that is in use`, 'make another one');
  const count = resealSecretFile(dir, before, next.key);
  next.settle();
  if (options.json === true)
    shell.out.write(`${JSON.stringify({ version: 1, key: next.key.id, before: id, secrets: count })}\n`);
  else
    shell.out.write(
      `${count === 1 ? '1 secret is' : `${count} secrets are`} encrypted with key ${next.key.id} now, no longer with ${id}\n`,
    );
  if (next.advice !== undefined) shell.err.write(`${next.advice}\n`);
  return EXIT.ok;
}

function nextOf(shell: Shell, dir: string, before: MasterKey, { newKeyFile }: RekeyOptions): Next {
  const { SLUICE_MASTER_KEY: inVariable, SLUICE_NEW_MASTER_KEY: text } = shell.env;
  const beside = join(dir, MASTER_KEY_FILE);
  // One that lies beside the secrets would be taken for theirs where nobody names another.
  const settle = (): void => (before.beside ? rmSync(beside, { force: true }) : undefined);
  if (newKeyFile !== undefined && text)
    throw new CliError(EXIT.usage, 'SLUICE_NEW_MASTER_KEY and --new-key-file are both given', 'give one');
  if (newKeyFile !== undefined) {
    const advice = `start gateways with SLUICE_MASTER_KEY_FILE=${visible(newKeyFile)} from now on`;
    return { key: keyInFile(newKeyFile), settle, advice };
  }
  if (text) {
    shell.redact.learn([text]);
    const advice = 'start gateways with this key as SLUICE_MASTER_KEY from now on';
    return { key: keyInText(text, 'SLUICE_NEW_MASTER_KEY'), settle, advice };
  }
  if (inVariable)
    throw new CliError(
      EXIT.usage,
      'the key is a variable, SLUICE_MASTER_KEY, which cannot be changed from here',
      'set SLUICE_NEW_MASTER_KEY too, or name a file for the new one: --new-key-file',
    );
  return inPlace(keyFileOf(shell, dir), before);
}

/** The file of the key gets another one. */
function inPlace(file: string, before: MasterKey): Next {
  const aside = nextKeyFile(file);
  const swap = (): void => {
    try {
      renameSync(aside, file);
    } catch (error) {
      throw new CliError(
        EXIT.failed,
        `cannot write ${file}: ${systemCode(error) ?? 'it failed'}`,
        `move ${aside} there`,
      );
    }
  };
  // One that was ended in the middle is brought to its end first.
  if (before.from === aside) swap();
  try {
    return { key: keyInFile(aside), settle: swap };
  } catch (error) {
    if (error instanceof CliError) throw error;
    const hint = 'name another file for the new key: --new-key-file';
    throw new CliError(EXIT.failed, `cannot write ${aside}: ${systemCode(error) ?? 'it failed'}`, hint);
  }
}
