// What the options of an entry let in ends with them: streams that were proven by options which are not those of now.

import { createHash } from 'node:crypto';
import type { Host } from './attempt.ts';

/** Aborts when no generation has these options any more. A method that knows better gives its principals another. */
export function proofsBy(options: unknown, host: Host): AbortSignal {
  const { signal } = host.keep(
    `proofs by ${createHash('sha256').update(JSON.stringify(options)).digest('hex')}`,
    () => new AbortController(),
    (proofs) => proofs.abort(new Error('the configuration has changed')),
  );
  return signal;
}
