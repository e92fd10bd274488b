// The state of a log on another machine, in Redis or Valkey: whoever may write the log's disk cannot make it agree.

import { RedisClient } from 'bun';
import type { StateStore } from './state.ts';

export interface RedisPlace {
  readonly url: string;
  readonly key: string;
  /** Milliseconds for each look and each write. */
  readonly timeout: number;
}

export function redisState({ url, key, timeout }: RedisPlace): StateStore {
  const client = new RedisClient(url, {
    connectionTimeout: timeout,
    autoReconnect: true,
    // What waits for a connection would be written when nobody counts on it any more.
    enableOfflineQueue: false,
  });
  let connecting: Promise<void> | undefined;
  const connected = async (): Promise<void> => {
    if (client.connected) return;
    connecting ??= client.connect().finally(() => {
      connecting = undefined;
    });
    await connecting;
  };
  const within = async <T>(run: () => Promise<T>): Promise<T> => {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`the state in Redis: no answer within ${timeout} ms`)),
      timeout,
    );
    try {
      return await Promise.race([connected().then(run), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    place: 'redis',
    read: () => within(async () => (await client.get(key)) ?? undefined),
    write: (text) => within(async () => void (await client.set(key, text))),
    close: () => client.close(),
  };
}
