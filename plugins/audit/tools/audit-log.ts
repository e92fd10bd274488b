// What the command line can do with a log, whether a gateway writes it or not.

import { readFileSync } from 'node:fs';
import { signerOf } from '../note.ts';
import { segmentsOf } from '../segments.ts';
import { verifyLog } from '../verify.ts';
import { type Wanted as ExportWanted, exported } from './export.ts';
import { forget } from './forget.ts';
import { checkProof, consistency, proofOf, signedSize } from './proof.ts';
import { entriesFrom, fieldsOf } from './reading.ts';
import { plan, repair } from './repair.ts';
import { type Wanted as SearchWanted, search } from './search.ts';
import { stampedBy } from './stamps.ts';
import { LogTail } from './tail.ts';
import { toldOf } from './told.ts';
import { Advised, type Given, trustOf } from './trust-of.ts';

export const auditLog = {
  usual: { directory: 'audit', keyFile: 'audit.key' },

  publicKey(keyFile: string, directory: string): string | undefined {
    const [first] = entriesFrom(directory, segmentsOf(directory)[0]?.first ?? 1);
    const { origin } = fieldsOf(first?.line ?? '');
    return typeof origin === 'string' ? signerOf(origin, readFileSync(keyFile, 'utf8')).public : undefined;
  },

  verify(directories: readonly string[], given: Given & { readonly requireAnchor: boolean }) {
    return toldOf(
      directories.map((each) => verifyLog(each, trustOf(given, each))),
      given.requireAnchor,
    );
  },

  stamps: stampedBy,

  tail: (directory: string, lines: number) => new LogTail(directory, lines),

  search: (directory: string, wanted: SearchWanted, keyFile: string | undefined) =>
    search(directory, wanted, keyFile),

  forget,

  prove: proofOf,
  checkProof,
  consistency,
  signedSize,

  export: (directory: string, wanted: ExportWanted) => exported(directory, wanted),

  plan: (directory: string, given: Given) => plan(directory, withoutAnchors(given, directory)),

  repair: (directory: string, given: Given, keyFile: string | undefined) =>
    repair(directory, withoutAnchors(given, directory), keyFile),
};

/** What was kept elsewhere cannot be repaired here. */
function withoutAnchors(given: Given, directory: string) {
  if (given.anchors.size > 0)
    throw new Advised(
      'a repair knows no anchors',
      'verify afterwards with --anchor: it says what that comes to',
    );
  return trustOf(given, directory);
}
