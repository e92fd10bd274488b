// One look at what a caller brought: the first method that recognises it decides, and what it finds has to be the
// caller's own.

import type { Exchange, Principal } from '../../src/plugin.ts';
import { type Attempt, attemptOf, type Method, Refusal, refused, type Verdict } from './attempt.ts';
import type { Possession } from './possession.ts';

export interface Judging {
  readonly methods: readonly Method[];
  readonly possession: Possession;
  /** Who calls without a credential, where that is let in. */
  readonly stranger: Principal | undefined;
}

export interface Judged {
  readonly verdict: NonNullable<Verdict>;
  /** What decided, for log and figures. */
  readonly by: string;
  readonly attempt: Attempt | undefined;
}

const NONE = 'none';

export async function judge(x: Exchange, judging: Judging, now: number): Promise<Judged> {
  let attempt: Attempt;
  try {
    attempt = attemptOf(x, now);
  } catch (error) {
    if (error instanceof Refusal) return { verdict: error.refused, by: NONE, attempt: undefined };
    throw error;
  }
  for (const method of judging.methods) {
    const verdict = await method.verify(attempt);
    if (verdict === undefined) continue;
    return { verdict: await judging.possession.prove(attempt, verdict), by: method.name, attempt };
  }
  return { ...stranger(attempt, judging), attempt };
}

/** A credential that nobody here knows is no reason to be taken for a stranger. */
function stranger(
  { authorization }: Attempt,
  { stranger: principal }: Judging,
): Pick<Judged, 'verdict' | 'by'> {
  if (authorization) return { verdict: refused('scheme_unknown', 'invalid_token'), by: NONE };
  if (!principal) return { verdict: refused('no_credential'), by: NONE };
  return { verdict: { kind: 'found', principal }, by: 'anonymous' };
}
