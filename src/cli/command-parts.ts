// What the rows of several tables of commands have in common.

import type { Given } from './commands.ts';
import { CliError, EXIT } from './exit.ts';

export type Flag = readonly [flags: string, about: string];

export const CONFIG: Flag = [
  '-c, --config <file>',
  'the configuration (default: found by search, see below)',
];
export const JSON_OUT: Flag = ['--json', 'print JSON for programs'];

export function text(arg: Given['args'][number]): string {
  if (typeof arg === 'string') return arg;
  throw new CliError(EXIT.usage, 'an argument is missing');
}

export function optional(arg: Given['args'][number]): string | undefined {
  return typeof arg === 'string' ? arg : undefined;
}

export function list(arg: Given['args'][number]): readonly string[] {
  return typeof arg === 'string' || arg === undefined ? [] : arg;
}
