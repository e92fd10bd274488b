// What the options of an entry let in ends with them: streams that were proven by options which are not those of now.

import { createHash } from 'node:crypto';
import type { Host } from './attempt.ts';

const made = new WeakSet<AbortSignal>();

/** Aborts when no generation has these options any more. A method that knows better gives its principals another. */
export function proofsBy(options: unknown, host: Host): AbortSignal {
  const { signal } = host.keep(
    `proofs by ${createHash('sha256').update(JSON.stringify(options)).digest('hex')}`,
    () => {
      const proofs = new AbortController();
      made.add(proofs.signal);
      return proofs;
    },
    (proofs) => proofs.abort(new Error('the configuration has changed')),
  );
  return signal;
}

/**
 * Whether a proof was found by these options, as far as that can be told: that of others may be held yet by calls that
 * run on them.
 */
export function isBy(own: AbortSignal, proof: AbortSignal | undefined): boolean {
  return proof === undefined || proof === own || !made.has(proof);
}
