// What a plugin says when the gateway must not go on: something it vouches for is not what it was.

/** The message says what does not hold; `hint` what to do. */
export class IntegrityError extends Error {
  override readonly name = 'IntegrityError';

  constructor(
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}
