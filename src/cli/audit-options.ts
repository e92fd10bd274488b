// Texts of the command line as what they stand for: numbers and times.

import { parseDuration } from '../lib/duration.ts';
import { CliError, EXIT } from './exit.ts';

/** A whole number from `least` on. @throws CliError */
export function numberIn(flag: string, text: string | undefined, least = 1): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least) return number;
  throw new CliError(EXIT.usage, `${flag} ${text} is no number`, `write a whole number from ${least} on`);
}

/** `2h` ago, a date, or a time; milliseconds since the epoch. @throws CliError */
export function timeIn(flag: string, text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const ago = parseDuration(text);
  const at = ago === undefined && /^\d{4}-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (ago !== undefined) return now - ago;
  if (Number.isFinite(at)) return at;
  throw new CliError(
    EXIT.usage,
    `${flag} ${text} is no time`,
    'write 2h for two hours ago, 2027-01-31, or 2027-01-31T12:00:00Z',
  );
}
