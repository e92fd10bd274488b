// A configuration that does not stand, as an error a command ends with.

import { type Diagnostic, renderDiagnostics } from '../config/diagnostic.ts';
import { CliError, EXIT } from './exit.ts';
import { type Shell, wantsColor } from './shell.ts';

export class ConfigError extends CliError {
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    // An address in use is no fault of the file, and may be free at the next try.
    const isSystem = diagnostics.every(({ code }) => code === 'LISTEN_FAILED');
    super(isSystem ? EXIT.failed : EXIT.config, 'the configuration has errors');
  }
}

/** Prints problems with their frames to stderr. */
export function printDiagnostics(shell: Shell, diagnostics: readonly Diagnostic[]): void {
  shell.err.write(`${renderDiagnostics(diagnostics, { color: wantsColor(shell, shell.err) })}\n`);
}
