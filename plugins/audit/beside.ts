// What entries alone do not show: a log that is too short, checkpoints that nobody signed, a file that was replaced, a
// tree on disk that is another one.

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readCheckpoint } from './checkpoint.ts';
import { isSame } from './hash.ts';
import { CHECKPOINTS, LATEST } from './keeping.ts';
import { readNote } from './note.ts';
import { readState, STATE, type State } from './state.ts';
import type { Anchor, Trust, Verification } from './verify.ts';

export function checkBeside(run: Verification, { anchors = [] }: Trust): void {
  checkCheckpoints(run);
  checkLatest(run);
  checkAnchors(run, anchors);
  checkState(run);
  if (run.unvouched !== undefined && run.signed === 0)
    run.found(
      {
        seq: run.unvouched,
        kind: 'checkpoint_signature',
        detail: 'no checkpoint is signed by the key, nor by one that it vouches for',
      },
      { file: CHECKPOINTS },
    );
  const wrong = run.tiles.finish(run.signed);
  if (wrong && run.findings.length === 0)
    run.found({ seq: wrong.leaf + 1, kind: 'tree', detail: wrong.detail }, { file: wrong.file });
  if (anchors.length > 0 && !anchors.some(({ checkpoint }) => checkpoint.origin === run.origin))
    run.notes.push('no anchor is of this log');
}

/** Those that speak of more than there is. */
function checkAnchors(run: Verification, anchors: readonly Anchor[]): void {
  const beyond = anchors.find(
    ({ checkpoint: { origin, size } }) => origin === run.origin && size > run.entries,
  );
  if (!beyond) return;
  const { checkpoint, from, note } = beyond;
  if (note && !run.keys.isEmpty && run.keys.judge(note) === 'foreign')
    run.found({
      seq: run.entries,
      kind: 'anchor',
      detail: `the checkpoint in ${from} is not signed by the key`,
    });
  else
    run.found({
      seq: run.entries + 1,
      kind: 'truncated',
      detail: `${from} vouches for ${checkpoint.size} entries`,
    });
}

function checkCheckpoints(run: Verification): void {
  const { vouchers, keys, entries, missing } = run;
  for (let next = vouchers.peek(); next && next.offset < vouchers.initial; next = vouchers.peek()) {
    const { size } = next.checkpoint;
    if (!keys.isEmpty && keys.judge(next.note) === 'foreign') vouchers.refuse('it is not signed by the key');
    else if (next.checkpoint.origin !== run.origin) vouchers.refuse('it is of another log');
    else if (size <= entries) vouchers.refuse('it stands behind a later one');
    else {
      run.found({
        seq: entries + 1,
        kind: 'truncated',
        detail: `a checkpoint vouches for ${size} entries`,
      });
      return;
    }
  }
  const { bad } = vouchers;
  const where = bad && { file: CHECKPOINTS, offset: bad.offset };
  if (missing)
    run.found(
      {
        seq: missing.first,
        kind: bad ? 'checkpoint_signature' : 'checkpoint_missing',
        detail: bad ? `a checkpoint: ${bad.why}` : `the checkpoint of ${missing.first} entries is not there`,
      },
      where ?? { file: CHECKPOINTS },
    );
  else if (bad)
    run.found(
      { seq: bad.size ?? entries, kind: 'checkpoint_signature', detail: `a checkpoint: ${bad.why}` },
      where,
    );
}

/** The file with the last checkpoint alone, for those who follow the log. */
function checkLatest(run: Verification): void {
  const { last, keys, directory } = run;
  if (!last) return;
  try {
    const note = readNote(readFileSync(join(directory, LATEST), 'utf8'));
    const { size, root } = readCheckpoint(note.text);
    // One that is newer was written while the log was read.
    const isRight = size > last.size || (size === last.size && isSame(root, last.root));
    if (isRight && keys.judge(note) !== 'foreign') return;
    run.found(
      { seq: last.size, kind: 'checkpoint_signature', detail: `it is not the last checkpoint` },
      { file: LATEST },
    );
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    run.found({ seq: last.size, kind: 'checkpoint_signature', detail }, { file: LATEST });
  }
}

function checkState(run: Verification): void {
  const { entries } = run;
  const file = STATE;
  const state = readState(run.directory);
  if (state === undefined) {
    const detail = `${file} is not there`;
    if (run.stateStore === undefined) run.found({ seq: entries, kind: 'state', detail }, { file });
    else run.notes.push(`the state is kept elsewhere (${run.stateStore}), and was not looked at`);
    return;
  }
  const known = knownOf(state, run.state);
  if (state === 'damaged' || !isStateSigned(run))
    run.found({ seq: entries, kind: 'state', detail: `${file} is not what was written` }, { file });
  else if (run.origin !== undefined && state.origin !== run.origin)
    run.found({ seq: entries, kind: 'origin', detail: `${file} is of another log` }, { file });
  else if (known > entries)
    run.found({ seq: entries + 1, kind: 'truncated', detail: `${file} knows ${known} entries` });
  else checkFile(run, state.segment, state.inode, state.device);
}

/** Whether it is signed by a key of the log. Where nobody knows a key there is nothing to compare with. */
export function isStateSigned({ keys, directory }: Verification): boolean {
  if (keys.isEmpty) return true;
  try {
    const judgement = keys.judge(readNote(textAt(join(directory, STATE)) ?? ''));
    if (judgement === 'signed') keys.hasSigned = true;
    return judgement !== 'foreign';
  } catch {
    return false;
  }
}

/** Since the look began, the log may have become longer. */
function knownOf(now: State | 'damaged', then: State | 'damaged' | undefined): number {
  const all = [now, then].flatMap((state) => (typeof state === 'object' ? [state.seq] : []));
  return Math.min(...all);
}

function checkFile({ directory, notes }: Verification, name: string, inode: string, device: string): void {
  const at = statSync(join(directory, name), { bigint: true, throwIfNoEntry: false });
  if (at && (String(at.ino) !== inode || String(at.dev) !== device))
    notes.push(`${name} is another file than was written: it was copied, or replaced`);
}

function textAt(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
