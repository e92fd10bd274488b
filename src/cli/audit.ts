// `sluice audit verify`, `repair` and `tail`: looks at logs, mends them, and shows how they go on.

import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { numberIn } from './audit-options.ts';
import { keyText, type Named, type Place, placeOf, placesOf, publicKeyOf, readText } from './audit-place.ts';
import { tellLook, unlessUnable, untilUnable } from './audit-told.ts';
import type { ShownEntry, VerifyWanted } from './audit-tools.ts';
import { CliError, EXIT } from './exit.ts';
import { visibleLines } from './log-fields.ts';
import type { Shell } from './shell.ts';

export interface LookOptions extends Named {
  readonly key?: readonly string[] | undefined;
  readonly from?: string | undefined;
  readonly anchor?: readonly string[] | undefined;
  readonly witnessKey?: readonly string[] | undefined;
  readonly authority?: string | undefined;
  readonly requireAnchor?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly yes?: boolean | undefined;
}

export async function verifyLogs(
  shell: Shell,
  directories: readonly string[],
  options: LookOptions,
): Promise<number> {
  const places = placesOf(shell, directories, options);
  const stamped = await untilUnable(() => stampsOf(shell, places, options));
  const wanted = { ...wantedOf(shell, places, options), stamped };
  const told = unlessUnable(() =>
    shell.auditLog.verify(
      places.map(({ directory }) => directory),
      wanted,
    ),
  );
  return tellLook(shell, told, options.json === true);
}

async function stampsOf(
  shell: Shell,
  places: readonly Place[],
  { authority, anchor = [] }: LookOptions,
): Promise<ReadonlyMap<string, string>> {
  if (authority === undefined) return new Map();
  const logs = places.map(({ directory }) => directory);
  const others = anchor.map((each) => resolve(shell.cwd, each)).filter(isDirectory);
  return shell.auditLog.stamps(readText(resolve(shell.cwd, authority)), logs, others);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function wantedOf(shell: Shell, places: readonly Place[], options: LookOptions): VerifyWanted {
  const { key = [], anchor = [], witnessKey = [] } = options;
  const given = key.map((each) => keyText(shell, each));
  // Directories are those of time stamps.
  const files = anchor.map((each) => resolve(shell.cwd, each)).filter((each) => !isDirectory(each));
  return {
    // A gateway's own key is more than its log's word.
    keys: given.length > 0 ? given : places.flatMap((place) => publicKeyOf(shell, place) ?? []),
    from: numberIn('--from', options.from),
    anchors: new Map(files.map((file) => [basename(file), readText(file)])),
    witnesses: witnessKey.map((each) => keyText(shell, each)),
    requireAnchor: options.requireAnchor === true,
  };
}

/** Tells what it would do, and does it once that is agreed to. */
export async function repairLog(
  shell: Shell,
  directory: string | undefined,
  options: LookOptions,
): Promise<number> {
  const place = placeOf(shell, directory, options);
  const wanted = wantedOf(shell, [place], options);
  const plan = unlessUnable(() => shell.auditLog.plan(place.directory, wanted));
  if (plan.isWhole || (options.json === true && options.yes !== true)) {
    shell.out.write(options.json === true ? `${JSON.stringify(plan.json)}\n` : visibleLines(plan.text));
    return plan.isWhole ? EXIT.ok : EXIT.failed;
  }
  shell.err.write(visibleLines(plan.text));
  if (options.yes !== true && !(await isAgreed(shell))) return EXIT.failed;
  const told = await untilUnable(() => shell.auditLog.repair(place.directory, wanted, place.keyFile));
  return tellLook(shell, told, options.json === true);
}

async function isAgreed(shell: Shell): Promise<boolean> {
  if (!shell.stdin.isTty || !shell.err.isTty)
    throw new CliError(EXIT.usage, 'nothing was done: nobody is here to be asked', 'say --yes');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y/i.test((await lines.question('Do this? [y/N] ')).trim());
  } catch {
    return false;
  } finally {
    lines.close();
  }
}

/** How often a log that is followed is looked at, milliseconds. */
const EVERY = 250;

export interface TailOptions extends Named {
  readonly lines?: string | undefined;
  readonly follow?: boolean | undefined;
  readonly json?: boolean | undefined;
}

export async function tailLog(
  shell: Shell,
  directory: string | undefined,
  options: TailOptions,
): Promise<number> {
  const place = placeOf(shell, directory, options);
  const lines = numberIn('--lines', options.lines, 0) ?? 20;
  const tail = shell.auditLog.tail(place.directory, lines);
  showEntries(
    shell,
    unlessUnable(() => tail.next()),
    options.json === true,
  );
  while (options.follow === true) {
    await pause(EVERY);
    showEntries(
      shell,
      unlessUnable(() => tail.next()),
      options.json === true,
    );
  }
  return EXIT.ok;
}

/** Lines as the log has them are for programs. */
export function showEntries(shell: Shell, entries: Iterable<ShownEntry>, isJson: boolean): number {
  let shown = 0;
  for (const { line, text } of entries) {
    shell.out.write(isJson ? `${line}\n` : `${visibleLines(text)}\n`);
    shown++;
  }
  return shown;
}
