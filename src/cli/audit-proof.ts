// `sluice audit prove`, `consistency` and `export`: what others can check who do not have the log.

import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { numberIn, timeIn } from './audit-options.ts';
import { keyText, type Named, placeOf, publicKeyOf, readText } from './audit-place.ts';
import { tellLook, unlessUnable, untilUnable } from './audit-told.ts';
import { CliError, EXIT } from './exit.ts';
import type { Shell } from './shell.ts';

export interface ProveOptions extends Named {
  readonly seq?: string | undefined;
  readonly check?: string | undefined;
  readonly entries?: string | undefined;
  readonly key?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
}

export async function proveEntry(
  shell: Shell,
  directory: string | undefined,
  options: ProveOptions,
): Promise<number> {
  const { check, entries, key: [key] = [] } = options;
  if (check !== undefined) {
    const lines = entries === undefined ? undefined : readText(resolve(shell.cwd, entries));
    const proof = readText(resolve(shell.cwd, check));
    const own = key === undefined ? undefined : keyText(shell, key);
    return tellLook(
      shell,
      unlessUnable(() => shell.auditLog.checkProof(proof, lines, own)),
      options.json === true,
    );
  }
  const seq = numberIn('--seq', options.seq);
  if (seq === undefined) throw new CliError(EXIT.usage, 'which entry?', 'say --seq, or --check FILE');
  const place = placeOf(shell, directory, options);
  const told = await untilUnable(() => shell.auditLog.prove(place.directory, seq));
  return tellLook(shell, told, options.json === true);
}

export interface ConsistencyOptions extends Named {
  readonly old?: string | undefined;
  readonly new?: string | undefined;
  readonly key?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
}

export async function compareCheckpoints(
  shell: Shell,
  directory: string | undefined,
  options: ConsistencyOptions,
): Promise<number> {
  const { old, new: newer, key: [key] = [] } = options;
  if (old === undefined)
    throw new CliError(EXIT.usage, 'which checkpoint is the older one?', 'say --old FILE');
  const place = placeOf(shell, directory, options);
  const own = key === undefined ? publicKeyOf(shell, place) : keyText(shell, key);
  const file = (name: string): string => readText(resolve(shell.cwd, name));
  const told = await untilUnable(() =>
    shell.auditLog.consistency(
      place.directory,
      file(old),
      newer === undefined ? undefined : file(newer),
      own,
    ),
  );
  return tellLook(shell, told, options.json === true);
}

export interface ExportOptions extends Named {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly format?: string | undefined;
  readonly output?: string | undefined;
  readonly proof?: string | undefined;
}

export async function exportLog(
  shell: Shell,
  directory: string | undefined,
  options: ExportOptions,
): Promise<number> {
  const { format = 'jsonl', output, proof, since, until } = options;
  if (format !== 'jsonl' && format !== 'csv')
    throw new CliError(EXIT.usage, `there is no format ${format}`, 'write jsonl or csv');
  if (proof !== undefined && (format !== 'jsonl' || since !== undefined || until !== undefined))
    throw new CliError(
      EXIT.usage,
      'a proof is of lines that follow each other',
      'say --from and --to, and no other',
    );
  const place = placeOf(shell, directory, options);
  const now = Date.now();
  const last = numberIn('--to', options.to);
  // What is not signed yet cannot be proved.
  const to =
    proof !== undefined && last === undefined
      ? unlessUnable(() => shell.auditLog.signedSize(place.directory))
      : last;
  const wanted = {
    from: numberIn('--from', options.from),
    to,
    since: timeIn('--since', since, now),
    until: timeIn('--until', until, now),
    format,
  } as const;
  if (proof !== undefined && to !== undefined) {
    const told = await untilUnable(() => shell.auditLog.prove(place.directory, to));
    if (told.verdict !== 'passed') return tellLook(shell, told, false);
    writeFileSync(resolve(shell.cwd, proof), told.proof, { mode: 0o600 });
  }
  unlessUnable(() => {
    const lines = shell.auditLog.export(place.directory, wanted);
    if (output === undefined) for (const line of lines) shell.out.write(line);
    else writeLines(resolve(shell.cwd, output), lines);
  });
  return EXIT.ok;
}

function writeLines(file: string, lines: Iterable<string>): void {
  const descriptor = openSync(file, 'w', 0o600);
  try {
    for (const line of lines) writeSync(descriptor, line);
  } finally {
    closeSync(descriptor);
  }
}
