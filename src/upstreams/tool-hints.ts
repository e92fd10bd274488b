// Which tools of a server may run twice for one call, as its own list has it. A hint is a promise of the server, which
// is why it takes a setting to believe it (2025-11-25 server/tools §Annotations).

import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { Link } from './link.ts';
import { listedTools } from './listed-tools.ts';
import type { UpstreamLimits } from './spec.ts';

export class ToolHints {
  readonly #harmless = new WeakMap<Link, Promise<ReadonlySet<string>>>();

  /** @param patience how long a page of the list may take, milliseconds */
  constructor(
    readonly patience: number,
    readonly limits: Pick<UpstreamLimits, 'pages'>,
    readonly host: Host,
  ) {}

  /** Asks beside the call, so that it is known when the call has failed. */
  learn(x: Exchange, link: Link): void {
    if (this.#harmless.has(link)) return;
    const asking = this.#fetch(x, link);
    this.#harmless.set(link, asking);
    asking.catch(() => {
      if (this.#harmless.get(link) === asking) this.forget(link);
    });
  }

  /** What is not known is not harmless. */
  async isHarmless(x: Exchange, link: Link): Promise<boolean> {
    const harmless = await this.#harmless.get(link)?.catch(() => undefined);
    return harmless?.has(x.request.raw?.string('name') ?? '') === true;
  }

  forget(link: Link): void {
    this.#harmless.delete(link);
  }

  async #fetch(x: Exchange, link: Link): Promise<ReadonlySet<string>> {
    const tools = await listedTools(x, link, this.patience, { most: this.limits.pages, host: this.host });
    return new Set(tools.filter(mayRunTwice).map((tool) => tool.string('name') ?? ''));
  }
}

function mayRunTwice(tool: RawObject): boolean {
  const hints = tool.object('annotations');
  const keeps = hints?.get('readOnlyHint') === true || hints?.get('destructiveHint') === false;
  return keeps && hints?.get('idempotentHint') === true;
}
