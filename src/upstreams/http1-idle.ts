// Connections that nobody uses for now, the latest first: that one is the least likely to be closed from the other side.

import type { Connection } from './http1-connection.ts';

/** An idle connection is kept this long: shorter than what common servers allow, to avoid reuse races. */
const KEPT_MS = 4_000;
/** A server closes a little before the time it has named. */
const MARGIN_MS = 1_000;

interface Kept {
  readonly connection: Connection;
  readonly until: number;
}

export function createIdle(now = () => performance.now()) {
  const places = new Map<string, Kept[]>();
  let timer: Timer | undefined;

  const sweep = (): void => {
    timer = undefined;
    const time = now();
    for (const [key, kept] of places) {
      const old = kept.filter(({ until }) => until <= time);
      for (const { connection } of old) connection.drop();
      if (kept.length === 0) places.delete(key);
    }
    rest();
  };
  /** One timer for all of them, which keeps no process alive. */
  const rest = (): void => {
    if (timer || places.size === 0) return;
    timer = setTimeout(sweep, KEPT_MS / 4);
    timer.unref();
  };

  return {
    put(key: string, connection: Connection, forMs = Number.POSITIVE_INFINITY): void {
      const ms = Math.min(KEPT_MS, forMs - MARGIN_MS);
      const kept = places.get(key);
      const entry = { connection, until: now() + ms };
      if (ms <= 0) connection.drop();
      else if (kept) kept.push(entry);
      else places.set(key, [entry]);
      rest();
    },
    take(key: string): Connection | undefined {
      const kept = places.get(key);
      const time = now();
      for (let entry = kept?.pop(); entry; entry = kept?.pop()) {
        if (entry.until > time) return entry.connection;
        entry.connection.drop();
      }
      return undefined;
    },
    /** It has ended. */
    remove(key: string, connection: Connection): void {
      const kept = places.get(key);
      const at = kept?.findIndex((each) => each.connection === connection) ?? -1;
      if (at >= 0) kept?.splice(at, 1);
    },
    close(): void {
      clearTimeout(timer);
      for (const kept of places.values()) for (const { connection } of [...kept]) connection.drop();
      places.clear();
    },
  };
}
