// Why the admin server cannot start, in words for its operator.

export class AdminFault extends Error {
  /** @param kind `taken`: another program is there · `unusable`: the system does not allow it */
  constructor(
    readonly kind: 'taken' | 'unusable',
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

/** The `code` of a system error. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
