// The store an entry asks for, which outlives reloads as long as it is the same one.

import type { PluginHost } from '../../src/plugin.ts';
import { digestText } from './digest.ts';
import { type MemoryOptions, MemoryStore } from './memory.ts';
import { type RedisOptions, RedisStore } from './redis.ts';
import { type SqliteOptions, SqliteStore } from './sqlite.ts';
import type { Store } from './store.ts';

export type StoreOptions =
  | ({ readonly kind: 'memory' } & MemoryOptions)
  | ({ readonly kind: 'sqlite' } & SqliteOptions)
  | ({ readonly kind: 'redis' } & RedisOptions);

type Host = Pick<PluginHost, 'now' | 'log' | 'count' | 'level' | 'limitHit' | 'keep'>;

/** What was counted before a reload is counted on; how it is kept may change with it. */
export function keepStore(host: Host, options: StoreOptions): Store {
  const close = (store: Store): void | Promise<void> => store.close();
  if (options.kind === 'memory') {
    const store = host.keep('memory', () => new MemoryStore(host, options), close);
    store.options = options;
    return store;
  }
  if (options.kind === 'sqlite') {
    const store = host.keep(`sqlite ${options.path}`, () => new SqliteStore(host, options), close);
    store.options = options;
    return store;
  }
  const { url, ca = '', prefix } = options;
  const place = digestText(JSON.stringify([url, ca, prefix]));
  const store = host.keep(`redis ${place}`, () => new RedisStore(host, options), close);
  store.options = options;
  return store;
}
