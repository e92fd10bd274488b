// Events for a client that reads slowly, or not at all for now: the newest of each kind waits, nothing piles up.
// Knows no transport.

import type { Metrics } from '../core/metrics.ts';
import type { McpNotification } from '../protocol/message.ts';

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
  readonly #pending = new Map<string, McpNotification>();
  #out: Out | undefined;
  /** The one that asked for patience. */
  #slow: Out | undefined;
  #others = 0;

  /** @param room how many may wait: `limits.events`, and one for each resource and task there is to be told of */
  constructor(metrics: Metrics, room: () => number) {
    this.#metrics = metrics;
    this.#room = room;
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
      this.#pending.delete(key);
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
      this.#pending.set(key, note);
      return;
    }
    this.#metrics.limitHits.inc({ limit: 'events' });
    this.#drop();
  }

  #drop(): void {
    this.#metrics.dropped.inc({ reason: this.#out === undefined ? 'no_stream' : 'slow_client' });
  }
}
