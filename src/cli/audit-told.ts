// How commands on audit logs say what they found, and with which code they end: 0 passed, 1 tampered, 2 that cannot be
// told. A command line that is wrong is 2 as well: nothing was looked at then, either.

import type { Told, Verdict } from './audit-tools.ts';
import { CliError, EXIT, systemCode } from './exit.ts';
import { visible, visibleLines } from './log-fields.ts';
import type { Shell } from './shell.ts';

const CODES: Readonly<Record<Verdict, number>> = {
  passed: EXIT.ok,
  tampered: EXIT.failed,
  unable: EXIT.usage,
};

export function tellLook(shell: Shell, told: Told, isJson: boolean): number {
  shell.out.write(isJson ? `${JSON.stringify(told.json)}\n` : visibleLines(told.text));
  return CODES[told.verdict];
}

/** @throws CliError of code 2 in the place of what the tools throw */
export function unlessUnable<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw unable(error);
  }
}

/** The same for what takes a while. */
export async function untilUnable<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw unable(error);
  }
}

function unable(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof CliError) return error;
  const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
  const code = systemCode(error);
  if (hint === undefined && code === undefined && error.constructor !== Error) return error;
  const why = code === 'ENOENT' ? `${error.message}; is it the directory of a log?` : error.message;
  return new CliError(EXIT.usage, `unable to tell: ${visible(why)}`, hint);
}
