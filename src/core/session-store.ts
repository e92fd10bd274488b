// What is known of a session beside what its id says, for as long as the session may be used again. Types, and the
// store of a gateway that keeps nothing on disk; the one on disk is cli/session-file.ts.

import { LRUCache } from 'lru-cache';

export interface Remembered {
  /** Ended for good by its client. */
  readonly ended: boolean;
  /** Milliseconds since the epoch of its last use, or somewhat earlier. */
  readonly seen: number;
  readonly level: string | undefined;
  /** Resources it watches. */
  readonly uris: readonly string[];
}

/** What became of a session; absent members stay as they are. */
export interface SessionChange {
  readonly seen: number;
  /** Nothing but this is remembered of it from then on. */
  readonly ended?: true;
  readonly level?: string;
  readonly watch?: { readonly uri: string; readonly on: boolean };
}

/** What is known of a session cannot be read just now, so that it may have ended. */
export const UNREAD = 'unread';

/** Keys are digests of session ids. Nothing here throws or rejects: what cannot be kept is said in the log. */
export interface SessionStore {
  find(key: string): Remembered | typeof UNREAD | undefined;
  /** Resolves when the change outlives this process, as far as this store does. */
  save(key: string, change: SessionChange): Promise<void>;
  /** Forgets what was last used before then. */
  expire(before: number): void;
  close(): void;
}

/** It can always be read. */
interface SessionMemory extends SessionStore {
  find(key: string): Remembered | undefined;
}

interface Entry {
  ended: boolean;
  seen: number;
  level: string | undefined;
  readonly uris: Set<string>;
  size: number;
}

/** What an entry takes beside its resources, about. */
const ENTRY_SIZE = 256;

/** @param size characters it may hold, about; beyond that the longest unused is forgotten */
export function sessionMemory(size: number): SessionMemory {
  const entries = new LRUCache<string, Entry>({ maxSize: size, sizeCalculation: (entry) => entry.size });
  return {
    find: (key) => {
      const entry = entries.get(key);
      return entry && { ...entry, uris: [...entry.uris] };
    },
    async save(key, change) {
      const entry = entries.get(key) ?? blank(change.seen);
      apply(entry, change);
      // An entry that grows past the whole store is not kept.
      entries.delete(key);
      entries.set(key, entry);
    },
    expire(before) {
      for (const [key, { seen }] of entries.entries()) if (seen < before) entries.delete(key);
    },
    close: () => entries.clear(),
  };
}

const blank = (seen: number): Entry => ({
  ended: false,
  seen,
  level: undefined,
  uris: new Set(),
  size: ENTRY_SIZE,
});

function apply(entry: Entry, { seen, ended, level, watch }: SessionChange): void {
  entry.seen = Math.max(entry.seen, seen);
  if (entry.ended) return;
  if (level !== undefined) entry.level = level;
  if (watch && watch.on !== entry.uris.has(watch.uri)) {
    if (watch.on) entry.uris.add(watch.uri);
    else entry.uris.delete(watch.uri);
    entry.size += watch.on ? watch.uri.length : -watch.uri.length;
  }
  if (!ended) return;
  entry.ended = true;
  entry.level = undefined;
  entry.uris.clear();
  entry.size = ENTRY_SIZE;
}
