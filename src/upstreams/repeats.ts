// Which requests of an upstream may be sent once more: those that only read, and calls of tools that say it does no
// harm where the configuration believes them. When and how often is of retries.ts.

import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { during, phases } from '../core/phases.ts';
import type { McpResult } from '../protocol/message.ts';
import type { Settled } from './call.ts';
import type { Link } from './link.ts';
import type { Pooled } from './pooled.ts';
import { isRead } from './reads.ts';
import { Retries, type Tries } from './retries.ts';
import type { UpstreamSpec } from './spec.ts';
import type { Target } from './targets.ts';
import { ToolHints } from './tool-hints.ts';
import { type Passing, passingEnd, passingFault } from './transient.ts';

/** The tries of one request. */
export interface Repeat {
  /** Where it has failed: another place is tried where one works. */
  readonly failed: ReadonlySet<Target> | undefined;
  /** This link carries the next try. */
  begins(link: Link): void;
  /** No link came about: whether another try is to be made. */
  unopened(error: unknown): boolean;
  /** The same where a try ended so. */
  again(settled: Settled, pooled: Pick<Pooled, 'link' | 'target'>): Promise<boolean>;
}

/** @returns nothing where the request is to be sent once more */
type Send = (repeat?: Repeat) => Promise<McpResult | undefined>;

export interface Repeats {
  run(x: Exchange, send: Send): Promise<McpResult>;
  /** Opens a link where nothing else is to be sent for now. @throws what `open` throws in the end */
  open<T>(open: () => Promise<T>): Promise<T>;
  /** Whether what only reads may go out at once on another connection, where that it was sent on had been closed. */
  reconnects(): boolean;
  /** The tools of a link may be others now. */
  forget(link: Link): void;
}

export function createRepeats({ name, kind, retry, timeouts, limits }: UpstreamSpec, host: Host): Repeats {
  const retries = new Retries(name, retry, timeouts.total, host);
  const hints = new ToolHints(timeouts.start, limits, host);

  /** A process that does not start is paced by its own rules. */
  const passes = (error: unknown): Passing | undefined =>
    kind === 'command' ? undefined : passingFault(error);

  /** The tries of a request that may be sent more than once. */
  function triesOf(x: Exchange): (Repeat & Pick<Tries, 'pause' | 'over'>) | undefined {
    const { method, raw } = x.request;
    // A round of a conversation is no repeatable question: what it answers may be used up.
    if (retry.max === 0 || raw?.has('requestState')) return undefined;
    const isCall = retry.tools === 'idempotent' && method === 'tools/call';
    if (!isCall && !isRead(method)) return undefined;
    const tries = retries.begin();
    let failed: Set<Target> | undefined;
    return {
      get failed() {
        return failed;
      },
      begins(link) {
        if (isCall) hints.learn(x, link);
      },
      unopened(error) {
        const why = isCall ? undefined : passes(error);
        return why !== undefined && tries.again(why);
      },
      async again(settled, { link, target }) {
        const why = passingEnd(settled);
        if (!why || (isCall && !(await hints.isHarmless(x, link)))) return false;
        failed = (failed ?? new Set()).add(target);
        return tries.again(why);
      },
      pause: (signal) => tries.pause(signal),
      over: (answered) => tries.over(answered),
    };
  }

  return {
    async run(x, send) {
      const tries = triesOf(x);
      if (!tries) return (await send()) as McpResult;
      let result: McpResult | undefined;
      try {
        for (;;) {
          result = await send(tries);
          if (result) return result;
          await during(x, phases.retry(name), tries.pause(x.signal));
        }
      } finally {
        tries.over(result !== undefined && result.kind !== 'error');
      }
    },
    async open(open) {
      for (let tries: Tries | undefined; ; ) {
        try {
          const opened = await open();
          tries?.over(true);
          return opened;
        } catch (error) {
          const why = passes(error);
          tries ??= why && retries.begin();
          if (!why || !tries?.again(why)) {
            tries?.over(false);
            throw error;
          }
          await tries.pause(new AbortController().signal);
        }
      }
    },
    reconnects: () => retries.reconnects(),
    forget: (link) => hints.forget(link),
  };
}
