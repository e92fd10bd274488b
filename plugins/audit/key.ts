// The key of a log: it signs checkpoints, and names principals. Made once, for its owner alone to read, outside of the
// log's directory: whoever may write the log is not to be able to sign it.

import { createPrivateKey, hkdfSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { newKey, type Signer, signerOf } from './note.ts';

export interface LogKey {
  readonly signer: Signer;
  /** For names of principals. */
  readonly naming: Uint8Array;
}

/** @throws Error when the file is there and holds no Ed25519 key, or cannot be written */
export function readKey(file: string, origin: string): LogKey {
  return keyOf(readOrMake(file), origin);
}

/** The key that is there; undefined where none is. @throws Error when it is no Ed25519 key */
export function existingKey(file: string, origin: string): LogKey | undefined {
  const pem = ifThere(file);
  return pem === undefined ? undefined : keyOf(pem, origin);
}

function keyOf(pem: string, origin: string): LogKey {
  const seed = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  const naming = new Uint8Array(hkdfSync('sha256', seed, origin, 'sluice audit principals', 32));
  return { signer: signerOf(origin, pem), naming };
}

function ifThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function readOrMake(file: string): string {
  const before = ifThere(file);
  if (before !== undefined) return before;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const pem = newKey();
  try {
    writeFileSync(file, pem, { mode: 0o600, flag: 'wx', flush: true });
    return pem;
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return readFileSync(file, 'utf8');
    throw error;
  }
}
