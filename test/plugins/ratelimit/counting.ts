// A store, the clock it goes by, the limits that it has hit, and what it says.

import { MemoryStore } from '../../../plugins/ratelimit/memory.ts';
import type { Log } from '../../../src/plugin.ts';
import type { LogLine } from '../../../src/testing/call.ts';
import { recordingLog } from '../../../src/testing/host.ts';

/** 2026-11-21T00:00:00Z, a Saturday. */
export const MIDNIGHT = 1_795_219_200_000;

export function counting(keys = 1_000) {
  const host = hostOf();
  return { store: new MemoryStore(host, { keys }), clock: host.clock, hits: host.hits };
}

/** What a store is given of a gateway. */
export function hostOf(start = MIDNIGHT) {
  const clock = { now: start };
  const hits: string[] = [];
  const counts: string[] = [];
  const levels: Record<string, number> = {};
  const { log, lines, said } = awaitedLog();
  return {
    clock,
    hits,
    counts,
    levels,
    lines,
    said,
    log,
    now: () => clock.now,
    limitHit: (limit: string) => void hits.push(limit),
    level(what: string, value: number) {
      levels[what] = value;
    },
    count: (event: string, { kind, reason }: { kind?: string; reason?: string } = {}) =>
      void counts.push([event, kind, reason].filter((part) => part !== undefined).join(' ')),
  };
}

/** A log of which one can wait for the next line that says something. */
function awaitedLog(): { log: Log; lines: LogLine[]; said: (message: string) => Promise<LogLine> } {
  const waiting: { message: string; resolve: (line: LogLine) => void }[] = [];
  const lines: LogLine[] = [];
  const told = new Proxy(lines, {
    set(target, at, line) {
      if (at !== 'length')
        for (const each of waiting.splice(0))
          each.message === line.message ? each.resolve(line) : waiting.push(each);
      return Reflect.set(target, at, line);
    },
  });
  const said = (message: string): Promise<LogLine> => {
    const { promise, resolve } = Promise.withResolvers<LogLine>();
    waiting.push({ message, resolve });
    return promise;
  };
  return { log: recordingLog(told), lines, said };
}
