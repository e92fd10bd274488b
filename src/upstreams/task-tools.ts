// What an initialize-era server makes of tasks: which of its tools want one, read from its own list for each link
// once, and what can be done with its tasks on a link.

import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { rawItems } from '../protocol/items.ts';
import { McpRequest, type McpResult, META } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { aside } from './aside.ts';
import type { Hello, Link } from './link.ts';
import type { Pooled } from './pooled.ts';
import type { Sharing } from './sharing.ts';

const PAGES = 100;

/** Whether the server makes tasks of calls of tools at all. */
export function makesTasks({ era, hello }: Link): boolean {
  const requests = hello.capabilities.object('tasks')?.object('requests');
  return era === '2025' && requests?.object('tools')?.has('call') === true;
}

export class TaskTools {
  readonly #required = new WeakMap<Link, Promise<ReadonlySet<string>>>();

  /** @param patience how long a page of the list may take, milliseconds */
  constructor(readonly patience: number) {}

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
    const required = new Set<string>();
    const meta = x.request.raw?.object('_meta')?.with({ [META.progressToken]: undefined });
    const common = RawObject.of({}).with({ _meta: meta });
    let cursor: string | undefined;
    for (let page = 0; page < PAGES; page++) {
      const request = new McpRequest('tools/list', cursor === undefined ? common : common.with({ cursor }));
      // With a signal of its own: others wait for the list too when this caller has gone.
      const leg = x.fork(x.leg?.upstream ?? '', request, new AbortController().signal);
      const settled = await aside(link, leg, this.patience);
      if (settled.kind !== 'result') throw new Error('the tool list cannot be had');
      for (const tool of rawItems(settled.raw.raw('tools') ?? '[]')) {
        if (tool.object('execution')?.string('taskSupport') === 'required')
          required.add(tool.string('name') ?? '');
      }
      const next = settled.raw.string('nextCursor');
      if (next === undefined || next === cursor) break;
      cursor = next;
    }
    return required;
  }
}

/** What a server says of itself on a link, without what cannot be done with its tasks there. */
export function helloOf({ link, slot }: Pooled, { per }: Sharing): Hello {
  const { hello } = link;
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
