// The key that session ids and request states are sealed with: a file of 32 bytes in the state directory.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { SEAL_KEY_BYTES } from '../lib/seal.ts';
import { CliError, EXIT, systemCode } from './exit.ts';
import { makeKeyFile, readKeyFile } from './key-file.ts';

export const SEAL_KEY_FILE = 'seal.key';

/**
 * Reads the key of a state directory, or makes both. Two processes that start at once get the same key.
 * @throws CliError when the file is not one to trust, or cannot be read or made
 */
export function readSealKey(dir: string): Uint8Array {
  const file = join(dir, SEAL_KEY_FILE);
  try {
    return checked(file, readKeyFile(file) ?? makeKeyFile(file, randomBytes(SEAL_KEY_BYTES)));
  } catch (error) {
    if (error instanceof CliError) throw error;
    const code = systemCode(error) ?? 'unknown error';
    throw new SealKeyUnwritable(`cannot keep a key in ${dir}: ${code}`);
  }
}

/** The directory cannot hold a key; a gateway that nobody gave a directory goes on with a key of its own. */
export class SealKeyUnwritable extends CliError {
  constructor(message: string) {
    super(EXIT.failed, message, 'make the directory writable, or set state.dir in gateway.yaml');
  }
}

function checked(file: string, key: Uint8Array): Uint8Array {
  if (key.length === SEAL_KEY_BYTES) return new Uint8Array(key);
  const found = `${file} has ${key.length} bytes, and a key has ${SEAL_KEY_BYTES}`;
  throw new CliError(EXIT.failed, found, 'move it away for a new one; open sessions then start anew');
}
