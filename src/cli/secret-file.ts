// Secrets in the state directory, each encrypted by itself: AES-256-GCM, a nonce of its own, its name bound to it.
// A change takes a lock, reads the file afresh and replaces it whole; what cannot be read is never written over.

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { alone, changeFile, FileFault, replaceFile } from '../lib/whole-file.ts';
import { CliError, EXIT, systemCode } from './exit.ts';
import type { MasterKey } from './master-key.ts';
import { readBounded } from './read-bounded.ts';

export const SECRET_FILE = 'secrets.json';

/** How `${secret:NAME}` may be called: no path, no pattern. */
export const SECRET_NAME = /^[A-Za-z\d][\w.-]{0,254}$/;

const FORMAT = 'sluice-secrets';
const VERSION = 1;
const NONCE = 12;
const TAG = 16;

const base64 = (least: number) =>
  z.base64().refine((text) => Buffer.from(text, 'base64').length >= least, 'is too short');
const names = z.string().regex(SECRET_NAME, 'is no name of a secret');
const sealed = z.strictObject({ nonce: base64(NONCE), sealed: base64(TAG), set: z.string() });
const paper = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  /** Of the key that all of them are encrypted with. */
  key: z
    .string()
    .regex(/^[\da-f]{16}$/, 'is no id of a key')
    .optional(),
  secrets: z.record(names, sealed),
  /** Those that `sluice secrets` has put into the keychain, which lists none. */
  keychain: z.array(names),
});

type Sealed = z.output<typeof sealed>;
type Paper = z.output<typeof paper>;

export interface SecretFile {
  readonly path: string;
  /** Id of the key; undefined while nothing is encrypted. */
  readonly key: string | undefined;
  /** When each was set, by name. */
  readonly names: ReadonlyMap<string, string>;
  readonly keychain: readonly string[];
  /** @throws CliError with another key, or where the entry was changed */
  open(name: string, key: MasterKey | undefined): string | undefined;
}

/** @throws CliError where it is there and cannot be understood */
export function readSecretFile(dir: string): SecretFile {
  const path = join(dir, SECRET_FILE);
  const { key: id, secrets, keychain } = read(path);
  return {
    path,
    key: id,
    names: new Map(Object.entries(secrets).map(([name, { set }]) => [name, set])),
    keychain,
    open(name, key) {
      if (!Object.hasOwn(secrets, name)) return undefined;
      requireKey(path, id, key);
      return openOne(path, name, secrets[name] as Sealed, key as MasterKey);
    },
  };
}

export interface SecretChange {
  /** Encrypts a value, in place of an earlier one of the name. */
  seal(name: string, value: string, key: MasterKey, now: number): void;
  /** Notes that the keychain has it. */
  inKeychain(name: string): void;
  /** Takes a name out of both. @returns where it was */
  forget(name: string): { readonly file: boolean; readonly keychain: boolean };
}

/** @throws CliError as `readSecretFile`, or where it cannot be written; then nothing has changed */
export function changeSecretFile<T>(dir: string, change: (file: SecretChange) => T): T {
  return toldOf(() =>
    changeFile(join(dir, SECRET_FILE), (path) => {
      const all = read(path);
      const result = change(changer(path, all));
      if (Object.keys(all.secrets).length === 0) delete all.key;
      return { text: textOf(all), result };
    }),
  );
}

/**
 * Encrypts all secrets anew. The file as it was stays beside until each of them has been read with the new key.
 * @returns how many there are
 * @throws CliError where one cannot be read with the old key, or not as it was with the new one; then nothing has changed
 */
export function resealSecretFile(dir: string, before: MasterKey, after: MasterKey): number {
  const path = join(dir, SECRET_FILE);
  return toldOf(() =>
    alone(path, () => {
      const all = read(path);
      requireKey(path, all.key, before);
      const values = opened(path, all, before);
      const secrets = Object.fromEntries(
        values.map(([name, value]) => [
          name,
          { ...all.secrets[name], ...seal(name, value, after) } as Sealed,
        ]),
      );
      const [old, was] = [`${path}.${before.id}`, readBounded(path)];
      replaceFile(old, was);
      replaceFile(path, textOf({ ...all, key: after.id, secrets }));
      try {
        requireSame(path, values, opened(path, read(path), after));
      } catch (error) {
        replaceFile(path, was);
        throw error;
      } finally {
        rmSync(old, { force: true });
      }
      return values.length;
    }),
  );
}

type Values = readonly (readonly [name: string, value: string])[];

function opened(path: string, { secrets }: Paper, key: MasterKey): Values {
  return Object.entries(secrets).map(([name, entry]) => [name, openOne(path, name, entry, key)]);
}

function requireSame(path: string, before: Values, after: Values): void {
  if (Bun.deepEquals(before, after)) return;
  throw new CliError(
    EXIT.failed,
    `${path} could not be read as it was written`,
    'look at the disk; the file is as before',
  );
}

const textOf = (all: Paper): string => `${JSON.stringify(all, null, 2)}\n`;

function toldOf<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof FileFault)) throw error;
    throw new CliError(EXIT.failed, error.message, error.hint ?? 'make it writable, or set state.dir');
  }
}

function changer(path: string, all: Paper): SecretChange {
  return {
    seal(name, value, key, now) {
      // Under two keys, one of them would open some and none would open all.
      if (all.key !== undefined) requireKey(path, all.key, key);
      all.key = key.id;
      all.secrets[name] = { ...seal(name, value, key), set: new Date(now).toISOString() };
      all.keychain = all.keychain.filter((other) => other !== name);
    },
    inKeychain(name) {
      delete all.secrets[name];
      all.keychain = [...new Set([...all.keychain, name])].sort();
    },
    forget(name) {
      const was = { file: Object.hasOwn(all.secrets, name), keychain: all.keychain.includes(name) };
      delete all.secrets[name];
      all.keychain = all.keychain.filter((other) => other !== name);
      return was;
    },
  };
}

function requireKey(path: string, id: string | undefined, key: MasterKey | undefined): void {
  if (key !== undefined && key.id === id) return;
  const mine = key === undefined ? 'there is no key' : `${key.from} is key ${key.id}`;
  throw new CliError(
    EXIT.failed,
    `${path} is encrypted with key ${id}, and ${mine}`,
    'give the right one in SLUICE_MASTER_KEY or SLUICE_MASTER_KEY_FILE, or restore secrets.key beside it; if it is lost, remove the file and set its secrets anew',
  );
}

const bound = (name: string): Buffer => Buffer.from(`${FORMAT}:${VERSION}:${name}`);

function seal(name: string, value: string, { aes }: MasterKey): Pick<Sealed, 'nonce' | 'sealed'> {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', aes, nonce).setAAD(bound(name));
  const body = Buffer.concat([cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return { nonce: nonce.toString('base64'), sealed: body.toString('base64') };
}

function openOne(path: string, name: string, entry: Sealed, { aes }: MasterKey): string {
  const [nonce, body] = [Buffer.from(entry.nonce, 'base64'), Buffer.from(entry.sealed, 'base64')];
  try {
    const decipher = createDecipheriv('aes-256-gcm', aes, nonce)
      .setAAD(bound(name))
      .setAuthTag(body.subarray(-TAG));
    return decipher.update(body.subarray(0, -TAG), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    throw new CliError(
      EXIT.failed,
      `secret "${name}" in ${path} was changed after it was set`,
      `set it anew: sluice secrets set ${name}`,
    );
  }
}

function read(path: string): Paper {
  let text: string;
  try {
    text = readBounded(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR')
      return { format: FORMAT, version: VERSION, secrets: {}, keychain: [] };
    throw new CliError(EXIT.failed, `cannot read ${path}: ${code ?? 'it failed'}`, 'check its rights');
  }
  const found = paper.safeParse(parsed(text));
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  // A place and a rule; no more of the file.
  const what =
    issue === undefined ? 'it is no such file' : `${issue.path.join('.') || 'it'}: ${issue.message}`;
  throw new CliError(
    EXIT.failed,
    `${path} is damaged, or of a later version: ${what}`,
    'nothing was changed; restore it from a backup, or move it away and set its secrets anew',
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
