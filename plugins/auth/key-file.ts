// The file of API keys: digests, and what each key is good for, never a key. A gateway only reads it; `sluice token`
// changes it. What cannot be read is told and left as it is.

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { changeFile, type z } from '../../src/plugin.ts';
import { entry, type KeyEntry, layout, type Wanted } from './key-entry.ts';
import { digestOfKey, newKey } from './key-text.ts';

export const KEY_FILE = 'api-keys.json';

/** What is there is no file of keys, or none to trust. */
export class KeyFileError extends Error {
  constructor(
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/**
 * The keys of a file, none where there is no file.
 * @throws KeyFileError when it cannot be read, is open to others, or holds anything else
 */
export function readKeys(file: string): KeyEntry[] {
  const text = textOf(file);
  return text === undefined ? [] : keysIn(text, file);
}

/**
 * Adds a key.
 * @returns the key, which is nowhere else, and what is kept of it
 * @throws KeyFileError as above, or when what is wanted cannot be
 */
export function mintKey(file: string, wanted: Wanted, now: number): { key: string; entry: KeyEntry } {
  return change(file, (keys) => {
    const { id, key } = unusedKey(keys);
    const digest = `sha256:${digestOfKey(key).toString('hex')}`;
    const made = entry.safeParse({ id, digest, ...wanted, created: new Date(now).toISOString() });
    if (!made.success) throw new KeyFileError(said(made.error));
    if (made.data.expires !== undefined && Date.parse(made.data.expires) <= now)
      throw new KeyFileError('the key would have expired already');
    return { keys: [...keys, made.data], result: { key, entry: made.data } };
  });
}

/**
 * Ends a key. One that has been ended stays as it is.
 * @returns what is known of it; undefined when there is no such key
 * @throws KeyFileError as above
 */
export function revokeKey(file: string, id: string, now: number): KeyEntry | undefined {
  return change(file, (keys) => {
    const known = keys.find((key) => key.id === id);
    if (known === undefined || known.revoked !== undefined) return { keys, result: known };
    const ended = { ...known, revoked: new Date(now).toISOString() };
    return { keys: keys.map((key) => (key === known ? ended : key)), result: ended };
  });
}

function unusedKey(keys: readonly KeyEntry[]): ReturnType<typeof newKey> {
  const made = newKey();
  return keys.some(({ id }) => id === made.id) ? unusedKey(keys) : made;
}

function textOf(file: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined;
    throw new KeyFileError(`cannot read ${file}: ${codeOf(error)}`, 'it must be readable by this user');
  }
  try {
    refuseShared(file, fd);
    return readFileSync(fd, 'utf8');
  } catch (error) {
    if (error instanceof KeyFileError) throw error;
    throw new KeyFileError(`cannot read ${file}: ${codeOf(error)}`);
  } finally {
    closeSync(fd);
  }
}

/** Whoever can write the file can write a key into it. */
function refuseShared(file: string, fd: number): void {
  const { mode, uid } = fstatSync(fd);
  const own = userInfo().uid;
  // There are no such modes on Windows. Whoever is root may look after the files of others.
  if (own === -1) return;
  if ((mode & 0o022) !== 0) {
    const bits = (mode & 0o777).toString(8).padStart(4, '0');
    throw new KeyFileError(`${file} can be written by others (mode ${bits})`, `chmod 600 ${file}`);
  }
  if (uid !== own && uid !== 0 && own !== 0)
    throw new KeyFileError(`${file} belongs to another user`, `chown it`);
}

function keysIn(text: string, file: string): KeyEntry[] {
  const foreign = (what: string): KeyFileError =>
    new KeyFileError(`${file} holds no API keys: ${what}`, 'mend it, or move it away to begin anew');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The error of the parser would repeat some of the file.
    throw foreign('it is not JSON');
  }
  const read = layout.safeParse(value);
  if (!read.success) throw foreign(said(read.error));
  const { keys } = read.data;
  const ids = new Set(keys.map(({ id }) => id));
  if (ids.size < keys.length) throw foreign('two keys have the same id');
  return keys;
}

/** The first thing that is wrong, and where. */
function said({ issues: [issue] }: z.ZodError): string {
  const at = issue?.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('');
  return `${at?.replace(/^\./, '') || 'the top'}: ${issue?.message}`;
}

function change<T>(
  file: string,
  by: (keys: readonly KeyEntry[]) => { keys: readonly KeyEntry[]; result: T },
): T {
  return changeFile(file, (place) => {
    const before = readKeys(place);
    const { keys, result } = by(before);
    return { result, ...(keys !== before && { text: `${JSON.stringify({ version: 1, keys }, null, 2)}\n` }) };
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
