// Makes a damaged log one that can be written again. Nothing is deleted: what cannot stay is moved aside, and an entry of
// the type `repair` says what was done. What was written before the damage stays as it was, byte by byte.

import { existsSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kind } from '../chain.ts';
import { identityAt, syncDirectory } from '../files.ts';
import type { Finding, Report } from '../finding.ts';
import { existingKey, type LogKey } from '../key.ts';
import { lockLog } from '../lock.ts';
import { openLog } from '../open-log.ts';
import { fileDigest, linesOf, segmentsOf } from '../segments.ts';
import { readState, STATE, writeState } from '../state.ts';
import { type Trust, verifyLog } from '../verify.ts';
import { fieldsOf } from './reading.ts';
import { type Remade, remake } from './remake.ts';
import { type Told, toldOf } from './told.ts';
import { Advised } from './trust-of.ts';

export interface Plan {
  readonly isWhole: boolean;
  readonly text: string;
  readonly json: object;
}

interface Damage {
  readonly kind: Kind;
  readonly detail: string;
  /** The last entry that stays. */
  readonly keep: number;
  /** Files that are none of the log. */
  readonly extra: string | undefined;
  readonly report: Report;
}

/** These are about files beside the entries, which stay. */
const BESIDE: readonly Kind[] = [
  'checkpoint_signature',
  'checkpoint_missing',
  'truncated',
  'tree',
  'state',
  'anchor',
];

/** Undefined where there is nothing to repair. @throws Error where a repair would make it worse */
function damageOf(directory: string, trust: Trust): Damage | undefined {
  const report = verifyLog(directory, trust);
  const [first] = report.findings;
  if (report.verdict === 'unable') throw new Advised(`there is no log in ${directory}`, 'name its directory');
  if (!first) return copied(directory, report);
  const { kind, detail, seq } = first;
  if (kind === 'segment_missing' && report.last === 0)
    throw new Advised(
      'the first files of the log are not there',
      'put them back; without them, verify the rest with --from',
    );
  const isBeside = BESIDE.includes(kind) && !first.file?.startsWith('segment-') && !isForged(first);
  const extra = kind === 'segment_order' ? first.file : undefined;
  const keep = isBeside || extra !== undefined ? report.last : seq - 1;
  if (trust.from !== undefined && keep < report.last)
    throw new Advised('a log without its first files cannot be cut off', 'put them back first');
  return { kind, detail, keep, extra, report };
}

const isForged = ({ kind, file }: Finding): boolean => kind === 'state' && file !== STATE;

/** A log that was put back from a copy has other files than its state knows. */
function copied(directory: string, report: Report): Damage | undefined {
  const state = readState(directory);
  if (typeof state !== 'object') return undefined;
  const now = identityAt(directory, state.segment);
  if (now?.inode === state.inode && now.device === state.device) return undefined;
  const detail = `${state.segment} is another file than was written: copied, or put back`;
  return { kind: 'state', detail, keep: report.last, extra: undefined, report };
}

export function plan(directory: string, trust: Trust): Plan {
  const damage = damageOf(directory, trust);
  if (!damage) {
    const text = `nothing to repair: ${directory}\n`;
    return { isWhole: true, text, json: { version: 1, needed: false } };
  }
  const { kind, detail, keep, extra, report } = damage;
  const last = lastKnown(directory, report);
  const [from, to] = [keep + 1, last];
  const lost = extra === undefined && from <= to;
  const steps = [
    ...(extra === undefined ? [] : [`move ${extra} aside, which is no file of this log`]),
    ...(lost && keep < report.last + 1
      ? [`keep entries 1 to ${keep}; entries ${from} to ${to} leave the log, as far as they are there`]
      : ['keep all entries']),
    'move what is wrong into a folder of its own below `aside/`, and delete nothing',
    'make checkpoints, the tree on disk and integrity.json anew where they are wrong',
    'write an entry of the type `repair`, which every later look at the log will name',
  ];
  return {
    isWhole: false,
    text: `${directory}: ${kind}: ${detail}\nA repair would\n${steps.map((step) => `  - ${step}\n`).join('')}`,
    json: {
      version: 1,
      needed: true,
      kind,
      detail,
      keep,
      ...(lost && { lost_from: from, lost_to: to }),
      ...(extra !== undefined && { extra }),
    },
  };
}

/** The last entry that anything speaks of. */
function lastKnown(directory: string, { last }: Report): number {
  const state = readState(directory);
  const known = typeof state === 'object' ? state.seq : 0;
  let found = last;
  for (const { name, first } of segmentsOf(directory)) {
    let seq = first - 1;
    for (const { isWhole } of linesOf(join(directory, name))) if (isWhole) seq++;
    found = Math.max(found, seq);
  }
  return Math.max(known, found);
}

/** @throws Error while a gateway has the log, or without the key that signs it */
export async function repair(directory: string, trust: Trust, keyFile: string | undefined): Promise<Told> {
  const unlock = locked(directory);
  try {
    const whole = damageOf(directory, trust);
    if (!whole) return { ...toldOf([verifyLog(directory, trust)], false) };
    const aside = join('aside', new Date().toISOString().replaceAll(/[-:]|\.\d+/g, ''));
    await mkdir(join(directory, aside), { recursive: true, mode: 0o700 });
    const origin = originOf(directory, whole.report);
    const key = keyOf(keyFile, origin, whole.report);
    await mend(directory, aside, trust, { origin, key });
    return toldOf([verifyLog(directory, trust)], false);
  } finally {
    unlock();
  }
}

function locked(directory: string): () => void {
  try {
    return lockLog(directory);
  } catch (error) {
    throw new Advised(error instanceof Error ? error.message : String(error), 'stop the gateway first');
  }
}

interface Own {
  readonly origin: string;
  readonly key: LogKey | undefined;
}

async function mend(directory: string, aside: string, trust: Trust, own: Own): Promise<void> {
  let damage = damageOf(directory, trust) as Damage;
  const first = damage;
  const lostTo = first.extra === undefined ? lastKnown(directory, first.report) : first.keep;
  while (damage.extra !== undefined) {
    await setAside(directory, aside, damage.extra);
    damage = damageOf(directory, trust) ?? {
      ...damage,
      extra: undefined,
      keep: verifyLog(directory, trust).last,
    };
  }
  const { keep } = damage;
  await cut(directory, aside, keep);
  const remade =
    trust.from === undefined
      ? await remake({ directory, aside, keep, isCut: keep < lostTo }, trust, own.key?.signer)
      : undefined;
  await newState(directory, aside, keep, own);
  syncDirectory(directory);
  const isSigned = first.report.signed.by !== undefined;
  const log = await openLog({
    directory,
    origin: own.origin,
    ...SIZES,
    signer: isSigned ? own.key?.signer : undefined,
    key: own.key?.signer,
    tiles: existsSync(join(directory, 'tile')) || remade?.hasTiles === true,
    stamp: () => ({ ts: new Date().toISOString() }),
    now: Date.now,
    onFault() {},
    onRecovered() {},
  });
  const lost = keep < lostTo ? { lost_from: keep + 1, lost_to: lostTo } : {};
  await log.append(await recordOf(directory, aside, first, { ...lost }, remade));
  await log.close();
}

/** What does not matter for one entry. */
const SIZES = {
  segmentSize: 16_777_216,
  checkpointEntries: 1_000,
  checkpointEvery: 1_000,
  batch: 256,
  queue: 1_000,
  retry: 1_000,
};

async function recordOf(
  directory: string,
  aside: string,
  { kind, detail }: Damage,
  lost: { lost_from?: number; lost_to?: number },
  remade: Remade | undefined,
) {
  const names = (await readdir(join(directory, aside), { recursive: true, withFileTypes: true }))
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(join(directory, aside).length + 1))
    .sort();
  const digests = names.map((name) => `${fileDigest(join(directory, aside), name)}  ${name}\n`);
  return {
    type: 'repair',
    kind,
    detail: detail.slice(0, 200),
    ...lost,
    aside,
    aside_files: names.length,
    aside_sha256: Bun.CryptoHasher.hash('sha256', digests.join(''), 'hex'),
    checkpoints_signed_anew: remade?.signedAnew,
    checkpoints_lost_to: remade?.lostTo,
  };
}

/** Entries behind `keep` leave their files; what stays of a file stands in a new one of the same name. */
async function cut(directory: string, aside: string, keep: number): Promise<void> {
  for (const { name, first } of segmentsOf(directory)) {
    const end = first > keep ? 0 : endOf(directory, name, keep - first + 1);
    if (first <= keep && end === undefined) continue;
    await setAside(directory, aside, name);
    if (first > keep || end === undefined) continue;
    await copyStart(join(directory, aside, name), join(directory, name), end);
  }
}

/** Where so many lines end; undefined where nothing follows them. */
function endOf(directory: string, name: string, lines: number): number | undefined {
  let seen = 0;
  let end = 0;
  for (const { bytes, offset, isWhole } of linesOf(join(directory, name))) {
    if (seen === lines) return end;
    if (isWhole) seen++;
    end = offset + bytes.length + 1;
  }
  return undefined;
}

async function copyStart(from: string, to: string, bytes: number): Promise<void> {
  await copyFile(from, `${to}.new`);
  const copy = await open(`${to}.new`, 'r+');
  try {
    await copy.chmod(0o600);
    await copy.truncate(bytes);
    await copy.sync();
  } finally {
    await copy.close();
  }
  await rename(`${to}.new`, to);
}

async function setAside(directory: string, aside: string, name: string): Promise<void> {
  await rename(join(directory, name), join(directory, aside, name));
}

async function newState(directory: string, aside: string, keep: number, { origin, key }: Own): Promise<void> {
  if (existsSync(join(directory, STATE))) await setAside(directory, aside, STATE);
  const last = segmentsOf(directory).at(-1);
  const at = last && identityAt(directory, last.name);
  if (!last || !at || keep === 0) return;
  let [hash, offset] = ['', 0];
  for (const line of linesOf(join(directory, last.name))) {
    if (!line.isWhole) break;
    hash = String(fieldsOf(line.bytes.toString('utf8')).entry_hash);
    offset = line.offset + line.bytes.length + 1;
  }
  await writeState(directory, { origin, segment: last.name, ...at, offset, seq: keep, hash }, key?.signer);
}

function originOf(directory: string, { origin }: Report): string {
  const state = readState(directory);
  const found = origin ?? (typeof state === 'object' ? state.origin : undefined);
  if (found !== undefined) return found;
  throw new Advised('neither the log nor its state says of which gateway it is', 'move the directory away');
}

/** @throws Error where it is needed and is not the one */
function keyOf(file: string | undefined, origin: string, { signed, isOwnKey }: Report): LogKey | undefined {
  const key = file === undefined ? undefined : existingKey(file, origin);
  if (key === undefined && signed.by !== undefined)
    throw new Advised(
      'the log is signed, and its key is not at hand',
      'say --key-file, or --config, where audit.key of the gateway lies',
    );
  const name = key && `${key.signer.verifier.name}+${key.signer.verifier.id.toString(16).padStart(8, '0')}`;
  if (signed.by !== undefined && name !== signed.by && isOwnKey)
    throw new Advised(
      `the key ${name} is not the one the log is signed with, ${signed.by}`,
      'with another key another log begins: move the directory away',
    );
  return key;
}
