// What the options of an entry let in ends with them: streams that were proven by options which are not those of now,
// whether or not calls are still at work on those.

import { createHash } from 'node:crypto';
import type { Host } from './attempt.ts';

/** What ends when no entry of the configuration that holds now goes by it any more. */
export class WhileInForce {
  readonly #end: () => void;
  #entries = 0;

  /** @param end may be called again, after an entry has come back to it */
  constructor(end: () => void) {
    this.#end = end;
  }

  /** Whether an entry of now, or of a configuration that is about to hold, goes by it. */
  get isInForce(): boolean {
    return this.#entries > 0;
  }

  /** One more entry goes by it, until its host is replaced. */
  enter({ replaced }: Pick<Host, 'replaced'>): void {
    this.#entries++;
    const leave = (): void => {
      if (--this.#entries === 0) this.#end();
    };
    replaced.addEventListener('abort', leave, { once: true });
  }
}

/** Aborts when no configuration has these options any more. A method that knows better gives its principals another. */
export function proofsBy(options: unknown, host: Host): AbortSignal {
  const key = `proofs by ${createHash('sha256').update(JSON.stringify(options)).digest('hex')}`;
  const proofs = host.keep(key, () => {
    const made = { ends: new AbortController(), force: new WhileInForce(() => end()) };
    const end = (): void => made.ends.abort(new Error('the configuration has changed'));
    return made;
  });
  // They were given up, and are back before the last call on them has ended.
  if (!proofs.force.isInForce) proofs.ends = new AbortController();
  proofs.force.enter(host);
  return proofs.ends.signal;
}
