// Which requests of an upstream may be sent once more: those that only read, and calls of tools that say it does no
// harm where the configuration believes them. When and how often is of retries.ts.

import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import type { Settled } from './call.ts';
import type { Link } from './link.ts';
import { isRead } from './reads.ts';
import { Retries } from './retries.ts';
import type { UpstreamSpec } from './spec.ts';
import { ToolHints } from './tool-hints.ts';
import { passingEnd, passingFault } from './transient.ts';

/** The tries of one request. */
export interface Repeat {
  /** This link carries the next try. */
  begins(link: Link): void;
  /** No link came about: whether another try is to be made, after `pause`. */
  unopened(error: unknown): boolean;
  /** The same where a try ended so. */
  again(settled: Settled, link: Link): Promise<boolean>;
  /** @throws the signal's reason when the caller goes meanwhile */
  pause(): Promise<void>;
  over(answered: boolean): void;
}

export interface Repeats {
  /** Undefined for a request that is sent once. */
  of(x: Exchange): Repeat | undefined;
  /** Whether what only reads may go out at once on another connection, where that it was sent on had been closed. */
  reconnects(): boolean;
  /** The tools of a link may be others now. */
  forget(link: Link): void;
}

export function createRepeats({ name, kind, retry, timeouts }: UpstreamSpec, host: Host): Repeats {
  const retries = new Retries(name, retry, timeouts.total, host);
  const hints = new ToolHints(timeouts.start);
  const isTool = (x: Exchange): boolean => retry.tools === 'idempotent' && x.request.method === 'tools/call';

  return {
    of(x) {
      // A round of a conversation is no repeatable question: what it answers may be used up.
      if (retry.max === 0 || x.request.raw?.has('requestState')) return undefined;
      const isCall = isTool(x);
      if (!isCall && !isRead(x.request.method)) return undefined;
      const tries = retries.begin();
      return {
        begins(link) {
          if (isCall) hints.learn(x, link);
        },
        unopened(error) {
          // A process that does not start is paced by its own rules.
          const why = isCall || kind === 'command' ? undefined : passingFault(error);
          return why !== undefined && tries.again(why);
        },
        async again(settled, link) {
          const why = passingEnd(settled);
          if (!why || (isCall && !(await hints.isHarmless(x, link)))) return false;
          return tries.again(why);
        },
        pause: () => tries.pause(x),
        over: (answered) => tries.over(answered),
      };
    },
    reconnects: () => retries.reconnects(),
    forget: (link) => hints.forget(link),
  };
}
