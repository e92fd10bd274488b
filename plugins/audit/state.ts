// What the log was when it was last written, kept beside it: whoever shortens, replaces or removes the log between two
// runs has to forge this as well. Signed with the log's key.

import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { canonical, type Flat } from './canonical.ts';
import { isSignedBy, readNote, type Signer, type Verifier } from './note.ts';

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
  /** Roots of the complete parts of the tree of so many entries, the largest first, hexadecimal; absent: to be made. */
  readonly tree?: string | undefined;
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

/** Where the state is kept: one text, replaced as a whole. */
export interface StateStore {
  readonly place: 'file' | 'memory' | 'redis';
  /** @throws Error when it cannot be told whether there is one */
  read(): Promise<string | undefined>;
  /** Resolves when it would outlive this process, as far as the place can promise. */
  write(text: string): Promise<void>;
  close(): void;
}

/** Beside the log. */
export function fileState(directory: string): StateStore {
  const file = join(directory, STATE);
  return {
    place: 'file',
    read: async () => readText(file),
    async write(text) {
      const next = await open(`${file}.new`, 'w', 0o600);
      try {
        await next.writeFile(text);
        // A name must never come to stand for bytes that are not there.
        await next.datasync();
      } finally {
        await next.close();
      }
      await rename(`${file}.new`, file);
    },
    close() {},
  };
}

/** As long as the process: what is done to the log between two runs does not show. */
export function memoryState(): StateStore {
  let kept: string | undefined;
  return {
    place: 'memory',
    read: async () => kept,
    async write(text) {
      kept = text;
    },
    close() {},
  };
}

/** One line of canonical JSON, and where there is a key, a line with its signature. */
export function stateText(state: State, signer: Signer | undefined): string {
  const text = `${canonical(state as unknown as Flat)}\n`;
  return signer ? `${text}\n${signer.sign(text)}` : text;
}

/** @returns `damaged` of what cannot be what was written, `unsigned` of what this key has not signed */
export function readStateText(whole: string, key?: Verifier): State | 'damaged' | 'unsigned' {
  if (key && !isSigned(whole, key)) return 'unsigned';
  try {
    const value = JSON.parse(whole.slice(0, whole.indexOf('\n'))) as Record<string, unknown>;
    const isWhole = Object.entries(MEMBERS).every(([name, type]) => typeof value[name] === type);
    return isWhole ? (value as unknown as State) : 'damaged';
  } catch {
    return 'damaged';
  }
}

function isSigned(whole: string, key: Verifier): boolean {
  try {
    return isSignedBy(readNote(whole), key);
  } catch {
    return false;
  }
}

/**
 * The state beside a log, for those who look at it.
 * @returns undefined where there is none, `damaged` where it cannot be what was written
 */
export function readState(directory: string): State | 'damaged' | undefined {
  const whole = readText(join(directory, STATE));
  if (whole === undefined) return undefined;
  const state = readStateText(whole);
  return state === 'unsigned' ? 'damaged' : state;
}

/** For those who write a log that no gateway has open. */
export function writeState(directory: string, state: State, signer?: Signer): Promise<void> {
  return fileState(directory).write(stateText(state, signer));
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
