// What the log was when it was last written, kept beside it: whoever shortens, replaces or removes the log between two
// runs has to forge this as well. Signed where there is a key.

import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonical, type Flat } from './canonical.ts';

export const STATE = 'integrity.json';

export interface State {
  readonly origin: string;
  /** The file that is written to. */
  readonly segment: string;
  /** Its file, wherever it is moved: as decimal digits. */
  readonly inode: string;
  readonly device: string;
  /** Bytes of it that are known to be on disk. */
  readonly offset: number;
  /** The last entry in them, and its hash as hexadecimal digits. */
  readonly seq: number;
  readonly hash: string;
}

const MEMBERS = {
  origin: 'string',
  segment: 'string',
  inode: 'string',
  device: 'string',
  offset: 'number',
  seq: 'number',
  hash: 'string',
} as const;

/** @param sign gives the signature of the text before it */
export async function writeState(
  directory: string,
  state: State,
  sign?: (text: string) => string,
): Promise<void> {
  const text = canonical(state as unknown as Flat);
  const file = join(directory, STATE);
  await writeFile(`${file}.new`, `${text}\n${sign?.(text) ?? ''}`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/**
 * @param check whether the signature is that of the text
 * @returns undefined where there is none, `damaged` where it cannot be what was written
 */
export function readState(
  directory: string,
  check?: (text: string, signature: string) => boolean,
): State | 'damaged' | undefined {
  let whole: string;
  try {
    whole = readFileSync(join(directory, STATE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const at = whole.indexOf('\n');
  const text = whole.slice(0, at);
  if (at < 0 || (check && !check(text, whole.slice(at + 1)))) return 'damaged';
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    const isWhole = Object.entries(MEMBERS).every(([name, type]) => typeof value[name] === type);
    return isWhole ? (value as unknown as State) : 'damaged';
  } catch {
    return 'damaged';
  }
}
