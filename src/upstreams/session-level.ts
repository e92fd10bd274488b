// The log level of an initialize-era server belongs to the session, so it is set when a request wants another. It is
// set for all who use the session: the caller that goes away meanwhile takes nothing back.

import type { Exchange } from '../core/exchange.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import { RawObject } from '../protocol/raw.ts';
import { aside } from './aside.ts';
import { isLessSevere } from './levels.ts';
import type { Link } from './link.ts';
import type { Own, Whose } from './own.ts';
import type { Slot } from './sharing.ts';

interface Level {
  /** What the server was told last. */
  level: string | undefined;
  /** Resolves when it has answered to that. */
  told: Promise<void>;
}

export class SessionLevels {
  readonly #levels = new WeakMap<Link, Level>();

  /** @param patience how long a server may take to answer, milliseconds */
  constructor(
    readonly ownOf: (whose?: Whose) => Own,
    readonly patience: number,
  ) {}

  /**
   * Resolves when the server logs at least what the exchange wants.
   * @param slot what the link is for; where that is one client's session, its level is just what that client wants
   */
  async ensure(link: Link, x: Exchange, slot: Slot | undefined): Promise<void> {
    const wanted = x.request.meta.logLevel;
    if (wanted === undefined || link.era !== '2025' || !link.hello.capabilities.has('logging')) return;
    const at = this.#levels.get(link) ?? { level: undefined, told: Promise.resolve() };
    this.#levels.set(link, at);
    const { level: before } = at;
    // Where callers of several levels share it the least severe one counts; each is told of its own.
    const enough = slot?.owner ? before === wanted : before !== undefined && !isLessSevere(wanted, before);
    if (!enough) {
      at.level = wanted;
      at.told = this.#tell(link, wanted, slot).then((done) => {
        if (!done && at.level === wanted) at.level = before;
      });
    }
    await unlessAborted(at.told, x.signal);
  }

  async #tell(link: Link, level: string, slot: Slot | undefined): Promise<boolean> {
    const x = this.ownOf(slot?.whose)('logging/setLevel', RawObject.of({ level }));
    const settled = await aside(link, x, this.patience);
    return settled.kind !== 'failed';
  }
}
