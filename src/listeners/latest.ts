// Events for a client that reads slowly, or not at all for now: the newest of each kind waits, nothing piles up.
// Knows no transport.

import type { Metrics } from '../core/metrics.ts';
import { McpNotification } from '../protocol/message.ts';

/** Puts one event out. Returns a promise while the client is slow, and false when it reads no more. */
export type Out = (note: McpNotification) => Promise<void> | undefined | false;

/** Events that say all there is to say of a thing, by the member that names it. */
const THING: Readonly<Record<string, string>> = {
  'notifications/resources/updated': 'uri',
  'notifications/tasks': 'taskId',
  'notifications/tasks/status': 'taskId',
};

export class Latest {
  readonly #metrics: Metrics;
  readonly #room: () => number;
  readonly #most: () => number;
  readonly #pending = new Map<string, McpNotification>();
  #out: Out | undefined;
  /** The one that asked for patience. */
  #slow: Out | undefined;
  #others = 0;
  /** Characters that wait. */
  #held = 0;

  /**
   * @param room how many may wait: `limits.events`, and one for each resource and task there is to be told of
   * @param most characters of them
   */
  constructor(metrics: Metrics, room: () => number, most: () => number) {
    this.#metrics = metrics;
    this.#room = room;
    this.#most = most;
  }

  get attached(): boolean {
    return this.#out !== undefined;
  }

  /** Events go here from now on; what waited goes first. @returns a function that takes it away again */
  attach(out: Out): () => void {
    this.#out = out;
    this.#flush();
    return () => {
      if (this.#out === out) this.#out = undefined;
    };
  }

  put(note: McpNotification): void {
    this.#hold(note);
    this.#flush();
  }

  clear(): void {
    this.#pending.clear();
    this.#held = 0;
  }

  #flush(): void {
    for (const [key, note] of this.#pending) {
      const out = this.#out;
      if (out === undefined || out === this.#slow) return;
      const sent = out(note);
      if (sent === false) {
        this.#out = undefined;
        return;
      }
      this.#forget(key);
      if (sent) this.#wait(out, sent);
    }
  }

  #wait(out: Out, sent: Promise<void>): void {
    this.#slow = out;
    void sent.then(() => {
      if (this.#slow !== out) return;
      this.#slow = undefined;
      this.#flush();
    });
  }

  #hold(note: McpNotification): void {
    const { method, raw } = note;
    const isWaiting = this.#out === undefined || this.#out === this.#slow;
    // A log line is of its moment.
    if (isWaiting && method === 'notifications/message') {
      this.#drop();
      return;
    }
    const of = THING[method];
    const thing = of === undefined ? undefined : raw?.string(of);
    const replaceable = thing !== undefined || method.endsWith('/list_changed');
    const key = replaceable ? `${method} ${thing ?? ''}` : `${this.#others++}`;
    if (this.#pending.size < this.#room() || this.#pending.has(key)) {
      this.#keep(key, note, thing);
      return;
    }
    this.#metrics.limitHits.inc({ limit: 'events' });
    this.#drop();
  }

  /** That a list or a resource has changed is told, whatever else was said with it has to go. */
  #keep(key: string, note: McpNotification, thing: string | undefined): void {
    const before = this.#pending.get(key);
    const isOnly = this.#pending.size === (before ? 1 : 0);
    const free = this.#most() - this.#held + (before ? lengthOf(before) : 0);
    const isFitting = isOnly || lengthOf(note) <= free;
    const bare = bareOf(note, thing);
    const kept = isFitting ? note : bare;
    if (kept === undefined) {
      this.#metrics.limitHits.inc({ limit: 'stream_buffer' });
      this.#drop();
      return;
    }
    if (before) this.#held -= lengthOf(before);
    this.#held += lengthOf(kept);
    this.#pending.set(key, kept);
  }

  #forget(key: string): void {
    const note = this.#pending.get(key);
    if (note) this.#held -= lengthOf(note);
    this.#pending.delete(key);
  }

  #drop(): void {
    this.#metrics.dropped.inc({ reason: this.#out === undefined ? 'no_stream' : 'slow_client' });
  }
}

/** What says no more than that a list or a resource has changed. */
function bareOf({ method }: McpNotification, thing: string | undefined): McpNotification | undefined {
  if (method.endsWith('/list_changed')) return McpNotification.of(method, {});
  if (method !== 'notifications/resources/updated' || thing === undefined) return undefined;
  return McpNotification.of(method, { uri: thing });
}

function lengthOf({ raw }: McpNotification): number {
  return raw?.text.length ?? 0;
}
