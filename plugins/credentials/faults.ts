// Why there is no token: what the caller reads of it, and how long it is not asked for again.

/**
 * `away`: the server could not be reached or is in trouble. `refused`: it refused the gateway, and will again.
 * `caller`: it refused the caller's own token. `odd`: it answered something else.
 */
export type FaultKind = 'away' | 'refused' | 'caller' | 'odd';

export class TokenFault extends Error {
  /**
   * @param message the rest of a sentence that begins with the server, without anything secret
   * @param detail what the server said of it, for the log
   * @param wait how long the server wants to be left alone, milliseconds
   */
  constructor(
    readonly kind: FaultKind,
    message: string,
    readonly detail?: string,
    readonly wait?: number,
  ) {
    super(message);
  }
}

/** Of the errors of RFC 6749 §5.2 these pass. */
const PASSING = ['temporarily_unavailable', 'server_error', 'slow_down', 'authorization_pending'];

const WORD = /^[A-Za-z0-9_.-]{1,64}$/;

/** The fault for an error that a token endpoint answered with. @param isCallers whether the request had a caller's token */
export function faultOf(error: string, description: string | undefined, isCallers: boolean): TokenFault {
  const name = WORD.test(error) ? error : 'an error without a proper name';
  if (PASSING.includes(error)) return new TokenFault('away', `answers ${name}`, description);
  if (isCallers && (error === 'invalid_grant' || error === 'interaction_required'))
    return new TokenFault('caller', `does not take the caller's token (${name})`, description);
  return new TokenFault('refused', `refuses (${name})`, description);
}
