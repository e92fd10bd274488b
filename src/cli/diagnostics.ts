// A configuration that does not stand, as an error a command ends with.

import { type Diagnostic, renderDiagnostics } from '../config/diagnostic.ts';
import { CliError, EXIT } from './exit.ts';
import { type Shell, wantsColor } from './shell.ts';

export class ConfigError extends CliError {
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(EXIT.config, 'the configuration has errors');
  }
}

/** Prints problems with their frames to stderr. */
export function printDiagnostics(shell: Shell, diagnostics: readonly Diagnostic[]): void {
  shell.err.write(`${renderDiagnostics(diagnostics, { color: wantsColor(shell, shell.err) })}\n`);
}
