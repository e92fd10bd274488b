// How a command ends: exit codes, and the error that carries one. Prints nothing.

/** Exit codes of every command. 78 and its neighbours are those of sysexits.h. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** What the gateway vouches for is not what it was. */
  integrity: 10,
  unreachable: 69,
  retryable: 75,
  denied: 77,
  config: 78,
  interrupted: 130,
  terminated: 143,
} as const;

/** A failure meant for the person at the keyboard: one sentence, one thing to do, an exit code. */
export class CliError extends Error {
  constructor(
    readonly exit: number,
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** The `code` of a system error (`ENOENT`, `EADDRINUSE`), or of the error that caused it. */
export function systemCode(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string' && /^E[A-Z0-9]+$/.test(at.code)) return at.code;
  }
  return undefined;
}
