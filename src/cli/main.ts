// From the arguments of the process to its exit code, whatever happens in between. `src/main.ts` calls it.

import { ConfigError, printDiagnostics } from './diagnostics.ts';
import { CliError, EXIT } from './exit.ts';
import { visibleLines } from './log-fields.ts';
import { reserveStdout } from './pipes.ts';
import { runProgram } from './program.ts';
import { type Lent, processShell, type Shell, wantsColor } from './shell.ts';

/** Runs the command that the arguments name, and ends the process. */
export async function main(lent: Lent): Promise<never> {
  const shell = processShell(lent);
  reserveStdout(shell.err);
  const stray = (error: unknown): void => {
    if (shell.onStray === undefined) void end(shell, tell(shell, error));
    else shell.onStray(error);
  };
  process.on('uncaughtException', stray);
  process.on('unhandledRejection', stray);
  const code = await runProgram(shell, process.argv.slice(2)).catch((error: unknown) => tell(shell, error));
  return end(shell, code);
}

async function end(shell: Shell, code: number): Promise<never> {
  await shell.err.flush();
  process.exit(code);
}

/** Says on stderr why a command failed, and with which code that is. */
export function tell(shell: Shell, error: unknown): number {
  if (error instanceof ConfigError) {
    printDiagnostics(shell, error.diagnostics);
    return error.exit;
  }
  const red = (text: string): string => (wantsColor(shell, shell.err) ? `\u001b[31m${text}\u001b[0m` : text);
  if (error instanceof CliError) {
    const hint = error.hint === undefined ? '' : `\n        ${visibleLines(error.hint)}`;
    shell.err.write(`${red('sluice:')} ${visibleLines(error.message)}${hint}\n`);
    return error.exit;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  shell.err.write(`${red('sluice: unexpected error, please report it:')}\n${visibleLines(text)}\n`);
  return EXIT.failed;
}
