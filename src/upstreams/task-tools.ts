// What an initialize-era server makes of tasks: which of its tools want one, read from its own list for each link
// once, and what can be done with its tasks on a link.

import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import type { McpResult } from '../protocol/message.ts';
import type { Hello, Link } from './link.ts';
import { listedTools } from './listed-tools.ts';
import type { Pooled } from './pooled.ts';
import type { Sharing } from './sharing.ts';
import type { UpstreamLimits } from './spec.ts';

/** Whether the server makes tasks of calls of tools at all. */
export function makesTasks({ era, hello }: Link): boolean {
  const requests = hello.capabilities.object('tasks')?.object('requests');
  return era === '2025' && requests?.object('tools')?.has('call') === true;
}

export class TaskTools {
  readonly #required = new WeakMap<Link, Promise<ReadonlySet<string>>>();

  /** @param patience how long a page of the list may take, milliseconds */
  constructor(
    readonly patience: number,
    readonly limits: Pick<UpstreamLimits, 'pages'>,
    readonly host: Host,
  ) {}

  /** Whether the tool that `x` calls can only be called as a task. */
  async wantTask(x: Exchange, link: Link): Promise<boolean> {
    let asking = this.#required.get(link);
    if (!asking) {
      asking = this.#fetch(x, link);
      this.#required.set(link, asking);
    }
    const required = await asking.catch(() => {
      if (this.#required.get(link) === asking) this.forget(link);
      return undefined;
    });
    return required?.has(x.request.raw?.string('name') ?? '') === true;
  }

  forget(link: Link): void {
    this.#required.delete(link);
  }

  async #fetch(x: Exchange, link: Link): Promise<ReadonlySet<string>> {
    const required = (
      await listedTools(x, link, this.patience, { most: this.limits.pages, host: this.host })
    ).filter((tool) => tool.object('execution')?.string('taskSupport') === 'required');
    return new Set(required.map((tool) => tool.string('name') ?? ''));
  }
}

/** What a server says of itself on a link, without what cannot be done with its tasks there. */
export function helloOf(hello: Hello, { slot }: Pooled, { per }: Sharing): Hello {
  const tasks = hello.capabilities.object('tasks');
  if (!tasks) return hello;
  // Those of a link that ends with its exchange are nobody's afterwards.
  const kept =
    per === 'request' ? undefined : tasks.with({ list: slot.owner ? tasks.object('list') : undefined });
  return { ...hello, capabilities: hello.capabilities.with({ tasks: kept }) };
}

/** The refusal for a list of tasks on a link that is not of one session alone: they are not all this caller's. */
export function withoutList(x: Exchange, { link, slot }: Pooled): McpResult | undefined {
  if (x.request.method !== 'tasks/list') return undefined;
  const lists = link.era === '2025' && link.hello.capabilities.object('tasks')?.has('list') === true;
  return lists && slot.owner ? undefined : errorResult('METHOD_UNKNOWN');
}
