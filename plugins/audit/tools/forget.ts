// Makes the digests of a principal's calls mute: their salts are written over. The log stays as it is, and whole. It may
// be written meanwhile: nothing is moved.

import { closeSync, fdatasyncSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pseudonym } from '../digests.ts';
import { linesOf } from '../segments.ts';
import { entriesFrom, fieldsOf } from './reading.ts';
import { namingOf, PSEUDONYM } from './search.ts';

/** Whose calls. */
export interface Whom {
  /** Its name, or the 32 hexadecimal digits that entries have. */
  readonly principal: string;
  /** Who may vouch for the name, beside nobody. */
  readonly issuers: readonly string[];
}

export interface Forgotten {
  /** Calls of it in the log. */
  readonly calls: number;
  /** Salts of them that were there. */
  readonly salts: number;
  /** Calls that somebody else has given the same id: their salts stay, or one could have those of the other erased. */
  readonly shared: number;
}

const SALTS = /^salts-\d+\.txt$/;
const ZERO = 0x30;

/**
 * @param doIt false to count alone
 * @throws Advised where a name is to be told and no key is there
 */
export function forget(directory: string, whom: Whom, keyFile: string | undefined, doIt: boolean): Forgotten {
  const names = namesOf(directory, whom, keyFile);
  const calls = new Set<string>();
  for (const { line } of entriesFrom(directory, 1)) {
    const { principal, req_id } = fieldsOf(line);
    if (names.has(String(principal)) && typeof req_id === 'string') calls.add(req_id);
  }
  const shared = sharedIn(directory, names, calls);
  for (const id of shared) calls.delete(id);
  let salts = 0;
  for (const name of readdirSync(directory).filter((each) => SALTS.test(each)))
    salts += eraseIn(join(directory, name), calls, doIt);
  return { calls: calls.size + shared.size, salts, shared: shared.size };
}

/** Clients choose ids of requests, and may choose one that is another's. */
function sharedIn(directory: string, names: ReadonlySet<string>, calls: ReadonlySet<string>): Set<string> {
  const shared = new Set<string>();
  for (const { line } of entriesFrom(directory, 1)) {
    const { principal, req_id } = fieldsOf(line);
    const isOther = typeof principal === 'string' && !names.has(principal);
    if (isOther && typeof req_id === 'string' && calls.has(req_id)) shared.add(req_id);
  }
  return shared;
}

/** In each tenant it has another name. */
function namesOf(directory: string, { principal, issuers }: Whom, keyFile: string | undefined): Set<string> {
  if (PSEUDONYM.test(principal)) return new Set([principal]);
  const tenants = new Set<string | undefined>([undefined]);
  for (const { line } of entriesFrom(directory, 1)) {
    const { tenant } = fieldsOf(line);
    if (typeof tenant === 'string') tenants.add(tenant);
  }
  const naming = namingOf(directory, keyFile);
  return new Set(
    [...tenants].flatMap((tenant) =>
      [undefined, ...issuers].map((issuer) => pseudonym(naming, tenant, principal, issuer)),
    ),
  );
}

/** @returns how many there were that still said something */
function eraseIn(file: string, calls: ReadonlySet<string>, doIt: boolean): number {
  const found: { at: number; length: number }[] = [];
  for (const { bytes, offset } of linesOf(file)) {
    const space = bytes.indexOf(0x20);
    const salt = bytes.subarray(space + 1);
    if (space < 0 || !calls.has(bytes.toString('latin1', 0, space)) || salt.every((each) => each === ZERO))
      continue;
    found.push({ at: offset + space + 1, length: salt.length });
  }
  if (!doIt || found.length === 0) return found.length;
  const descriptor = openSync(file, 'r+');
  try {
    for (const { at, length } of found) writeSync(descriptor, Buffer.alloc(length, ZERO), 0, length, at);
    fdatasyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return found.length;
}
