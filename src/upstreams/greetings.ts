// What servers without sessions say of themselves, asked again when its time is over (2026-07-28 caching): a link to
// one may last for as long as the gateway, and the server behind it change.

import { messageOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { RawObject } from '../protocol/raw.ts';
import { aside } from './aside.ts';
import { discoverParams, helloOfDiscover, offersStateless } from './hello.ts';
import type { Hello, Link } from './link.ts';
import type { Own } from './own.ts';
import type { UpstreamLimits } from './spec.ts';

export interface GreetingParts {
  readonly upstream: string;
  /** The gateway's own Implementation object. */
  readonly gateway: RawObject;
  /** How long an answer may take, milliseconds. */
  readonly patience: number;
  readonly limits: Pick<UpstreamLimits, 'helloAge' | 'cacheTtl'>;
  readonly host: Host;
}

interface Said {
  hello: Hello;
  until: number;
}

export class Greetings {
  readonly #said = new WeakMap<Link, Said>();

  constructor(readonly parts: GreetingParts) {}

  /** The latest. Where its time is over it is asked for again, by `own`, and nobody waits for that. */
  of(link: Link, own: Own): Hello {
    if (link.era === '2025') return link.hello;
    const said = this.#said.get(link) ?? { hello: link.hello, until: this.#until(link.hello) };
    this.#said.set(link, said);
    if (this.parts.host.now() >= said.until && !link.closing) void this.#ask(link, said, own);
    return said.hello;
  }

  async #ask(link: Link, said: Said, own: Own): Promise<void> {
    const { gateway, patience, upstream, host } = this.parts;
    // Once for all who come meanwhile, and not at once again when it comes to nothing.
    said.until = this.#until(said.hello);
    try {
      const settled = await aside(link, own('server/discover', discoverParams(gateway)), patience);
      if (settled.kind !== 'result' || !offersStateless(settled.raw)) return;
      said.hello = helloOfDiscover(settled.raw);
      said.until = this.#until(said.hello);
    } catch (error) {
      host.log.debug('not greeted again', { upstream, error: messageOf(error) });
    }
  }

  #until({ ttlMs = 0 }: Hello): number {
    const { limits, host } = this.parts;
    return host.now() + Math.max(limits.helloAge, Math.min(ttlMs, limits.cacheTtl));
  }
}
