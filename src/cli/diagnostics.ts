// A configuration that does not stand, as an error a command ends with.

import { type Diagnostic, renderDiagnostics } from '../config/diagnostic.ts';
import { CliError, EXIT } from './exit.ts';
import { type Shell, wantsColor } from './shell.ts';

export class ConfigError extends CliError {
  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(exitOf(diagnostics), 'the configuration has errors');
  }
}

function exitOf(diagnostics: readonly Diagnostic[]): number {
  if (diagnostics.some(({ code }) => code === 'PLUGIN_INTEGRITY')) return EXIT.integrity;
  // An address in use is no fault of the file, and may be free at the next try.
  return diagnostics.every(({ code }) => code === 'LISTEN_FAILED') ? EXIT.failed : EXIT.config;
}

/** Prints problems with their frames to stderr. */
export function printDiagnostics(shell: Shell, diagnostics: readonly Diagnostic[]): void {
  shell.err.write(`${renderDiagnostics(diagnostics, { color: wantsColor(shell, shell.err) })}\n`);
}
