// The key of a log: it signs checkpoints, and names principals. Made once, for its owner alone to read, outside of the
// log's directory: whoever may write the log is not to be able to sign it.
//
// Above the PEM stand lines: when it was made; where it took over from another, the public half of that, and what names
// principals, which stays the same. A key that somebody brings has none of them.

import { createPrivateKey, hkdfSync } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { newKey, type Signer, signerOf, type Verifier, verifierOf } from './note.ts';

export interface LogKey {
  readonly signer: Signer;
  /** For names of principals. */
  readonly naming: Uint8Array;
  /** Milliseconds since the epoch; of a key that somebody brought, when its file was written. */
  readonly made: number;
  /** The key before it. */
  readonly former?: Verifier | undefined;
}

const MADE = /^# made (\S+)$/m;
const AFTER = /^# after (\S+)$/m;
const NAMES = /^# names ([0-9a-f]{64})$/m;

/**
 * @param now milliseconds since the epoch
 * @throws Error when the file is there and holds no Ed25519 key, or cannot be written
 */
export function readKey(file: string, origin: string, now: () => number = Date.now): LogKey {
  return keyOf(readOrMake(file, now), origin, () => statSync(file).mtimeMs);
}

/** The key that is there; undefined where none is. @throws Error when it is no Ed25519 key */
export function existingKey(file: string, origin: string): LogKey | undefined {
  const text = ifThere(file);
  return text === undefined ? undefined : keyOf(text, origin, () => statSync(file).mtimeMs);
}

/** @throws Error when the text holds no Ed25519 key */
export function keyOf(text: string, origin: string, written: () => number): LogKey {
  const made = Date.parse(MADE.exec(text)?.[1] ?? '');
  const [, names] = NAMES.exec(text) ?? [];
  const [, after] = AFTER.exec(text) ?? [];
  return {
    signer: signerOf(origin, text),
    naming: names === undefined ? namingOf(text, origin) : new Uint8Array(Buffer.from(names, 'hex')),
    made: Number.isNaN(made) ? written() : made,
    former: after === undefined ? undefined : verifierOf(after),
  };
}

/** What a file has that holds a new key. */
export function newKeyText(now: number, before?: LogKey): string {
  const made = `# made ${new Date(now).toISOString()}`;
  if (!before) return `${made}\n${newKey()}`;
  const names = Buffer.from(before.naming).toString('hex');
  return [made, `# after ${before.signer.public}`, `# names ${names}`, newKey()].join('\n');
}

function namingOf(pem: string, origin: string): Uint8Array {
  const seed = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  return new Uint8Array(hkdfSync('sha256', seed, origin, 'sluice audit principals', 32));
}

function ifThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function readOrMake(file: string, now: () => number): string {
  const before = ifThere(file);
  if (before !== undefined) return before;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const text = newKeyText(now());
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx', flush: true });
    return text;
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return readFileSync(file, 'utf8');
    throw error;
  }
}
