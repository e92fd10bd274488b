// What a log is judged by, from what is given on a command line: a key, and what was kept elsewhere.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cosignerOf } from '../anchors/cosignature.ts';
import { type Verifier, verifierOf } from '../note.ts';
import { type Anchor, anchorOf, type Trust } from '../verify.ts';
import { noteOf } from '../vouchers.ts';
import { entriesFrom, fieldsOf } from './reading.ts';

export interface Given {
  /** `NAME+ID+KEY`, of several logs; the name is the log's origin. */
  readonly keys: readonly string[];
  readonly from?: number | undefined;
  readonly anchors: ReadonlyMap<string, string>;
  readonly witnesses: readonly string[];
  /** Signed notes that an authority has stamped, judged. */
  readonly stamped?: ReadonlyMap<string, string> | undefined;
}

/** An error with what to do about it. */
export class Advised extends Error {
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

/**
 * @param directory of the log
 * @throws Error with what is wrong with a key or a file
 */
export function trustOf(given: Given, directory: string): Trust {
  const { keys, from, anchors, witnesses, stamped = new Map() } = given;
  const key = keyFor(keys, directory);
  const cosigners = witnesses.map((each) => advised(() => cosignerOf(each), `--witness-key ${each}`, KEY));
  const own = cosigners.length > 0 ? cosignedIn(directory) : [];
  const all = [...own, ...[...anchors].flatMap(([name, text]) => anchorsIn(text, name))];
  const counting = all.flatMap((anchor): Anchor[] => {
    if (cosigners.length === 0) return [anchor];
    const by = cosigners.find(({ timeOf }) => anchor.note && timeOf(anchor.note) !== undefined);
    return by ? [{ ...anchor, from: `witness ${by.name}, in ${anchor.from}` }] : [];
  });
  if (cosigners.length > 0 && counting.length === 0)
    throw new Advised(
      `no checkpoint of ${directory} is cosigned by the witness`,
      'they lie in `anchors/` of the log, or where --anchor says',
    );
  return {
    key,
    anchors: [...counting, ...[...stamped].flatMap(([name, text]) => anchorsIn(text, name))],
    ...(from !== undefined && { from }),
  };
}

/** What witnesses sent back lies with the log: it is theirs whoever keeps it. */
function cosignedIn(directory: string): Anchor[] {
  const place = join(directory, 'anchors');
  const names = attempt(() => readdirSync(place)) ?? [];
  return names
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => anchorsIn(readFileSync(join(place, name), 'utf8'), `anchors/${name}`));
}

function keyFor(keys: readonly string[], directory: string): Verifier | undefined {
  const all = keys.map((key) => advised(() => verifierOf(key), `--key ${key}`, KEY));
  const [first] = entriesFrom(directory, 1);
  const { origin } = fieldsOf(first?.line ?? '');
  const own = all.find(({ name }) => name === origin);
  if (own || all.length === 0 || typeof origin !== 'string') return own ?? all[0];
  throw new Advised(
    `none of the keys is of ${origin}, the log in ${directory}`,
    'a key begins with the origin of its log',
  );
}

const KEY = 'write it as NAME+ID+KEY, or name a file that has it';

/** A signed note, or lines of JSON with one each. @throws Error where there is none */
export function anchorsIn(text: string, name: string): Anchor[] {
  if (!text.startsWith('{')) return [advised(() => anchorOf(text, name), name, ANCHOR)];
  const lines = text.split('\n').slice(0, -1);
  const anchors = lines.flatMap((line) => {
    const note = attempt(() => noteOf(line));
    return note === undefined ? [] : [advised(() => anchorOf(note, name), name, ANCHOR)];
  });
  if (anchors.length === 0) throw new Advised(`${name} has no checkpoint`, ANCHOR);
  return anchors;
}

const ANCHOR = 'a checkpoint is a signed note, as in the file `checkpoint` of a log';

function advised<T>(act: () => T, what: string, hint: string): T {
  try {
    return act();
  } catch (error) {
    throw new Advised(`${what}: ${error instanceof Error ? error.message : String(error)}`, hint);
  }
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
