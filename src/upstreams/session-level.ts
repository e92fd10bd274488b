// The log level of an initialize-era server belongs to the session, so it is set when a request wants another. It is
// set for all who use the session: the caller that goes away meanwhile takes nothing back.

import type { Exchange } from '../core/exchange.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import { RawObject } from '../protocol/raw.ts';
import { aside } from './aside.ts';
import { isLessSevere } from './levels.ts';
import type { Link } from './link.ts';
import type { Own } from './own.ts';

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
    readonly own: Own,
    readonly patience: number,
  ) {}

  /**
   * Resolves when the server logs at least what the exchange wants.
   * @param alone whether the session is one client's: then its level is just what that client wants
   */
  async ensure(link: Link, x: Exchange, alone: boolean): Promise<void> {
    const wanted = x.request.meta.logLevel;
    if (wanted === undefined || link.era !== '2025' || !link.hello.capabilities.has('logging')) return;
    const at = this.#levels.get(link) ?? { level: undefined, told: Promise.resolve() };
    this.#levels.set(link, at);
    const { level: before } = at;
    // Where callers of several levels share it the least severe one counts; each is told of its own.
    const enough = alone ? before === wanted : before !== undefined && !isLessSevere(wanted, before);
    if (!enough) {
      at.level = wanted;
      at.told = this.#tell(link, wanted).then((done) => {
        if (!done && at.level === wanted) at.level = before;
      });
    }
    await unlessAborted(at.told, x.signal);
  }

  async #tell(link: Link, level: string): Promise<boolean> {
    const settled = await aside(link, this.own('logging/setLevel', RawObject.of({ level })), this.patience);
    return settled.kind !== 'failed';
  }
}
