// Sessions over a store, without a listener.
import { SILENT } from '../../../src/core/log.ts';
import { createMetrics } from '../../../src/core/metrics.ts';
import { type SessionStore, sessionMemory, UNREAD } from '../../../src/core/session-store.ts';
import { createSeal } from '../../../src/lib/seal.ts';
import type { Serving } from '../../../src/listeners/serving.ts';
import type { Session } from '../../../src/listeners/session.ts';
import { sessionStanding } from '../../../src/listeners/session-standing.ts';
import { FULL, Sessions } from '../../../src/listeners/sessions.ts';
import { RawObject } from '../../../src/protocol/raw.ts';

export const KEY = new Uint8Array(32).fill(7);

export const CLIENT = {
  version: '2025-11-25',
  info: RawObject.of({ name: 'c', 'x/y': 1 }),
  capabilities: RawObject.of({ elicitation: {} }),
};

export const LIMITS = { sessions: 10, sessionIdle: 1_000, sessionRest: 1_000, sessionCheck: 100 };

export function make(limits = LIMITS, store: SessionStore = sessionMemory(1 << 20)) {
  let now = 1_000_000;
  const host = { log: SILENT, metrics: createMetrics(), now: () => now };
  const build = () =>
    new Sessions({
      seal: createSeal(KEY),
      host,
      store,
      limits: () => limits,
      standing: (session, path) =>
        sessionStanding(session, path, 'test', {
          host,
          limits: () => ({ events: 256, subscribeTimeout: 5_000 }),
        } as Partial<Serving> as Serving),
    });
  const turn = (ms: number): void => {
    now += ms;
  };
  return { sessions: build(), another: build, turn, store, metrics: host.metrics };
}

export function open(sessions: Sessions) {
  const opened = sessions.create(CLIENT, '/mcp');
  if (opened === FULL) throw new Error('there is no room');
  return opened;
}

export function found(sessions: Sessions, id: string): Session | undefined {
  const there = sessions.find(id, '/mcp');
  if (there === FULL || there === UNREAD) throw new Error(there);
  return there;
}
