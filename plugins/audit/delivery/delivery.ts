// Brings what is in the log to one other place, in order and at that place's own pace, and remembers how far it is.
// Nothing waits for it: the log itself is the queue, so a place that is away for long costs no memory and loses nothing.

import type { PluginHost } from '../../../src/plugin.ts';
import { type Backoff, waitAfter } from './backoff.ts';
import type { Cursor, CursorFile } from './cursor.ts';
import { type DeliveryFault, faultOf, type Reason } from './fault.ts';

/** The next things for a place, and what its cursor is when it has them. */
export interface Batch<T> {
  readonly items: readonly T[];
  readonly next: Cursor;
  /** Entries left out on the way to them, and why. */
  readonly skipped?: { readonly entries: number; readonly reason: 'behind' | 'missing' } | undefined;
}

/** Where things come from. */
export interface Source<T> {
  /** Where somebody begins who never had anything. */
  start(): Cursor;
  /** What comes after the cursor; undefined while there is nothing. @throws what the file system says */
  after(cursor: Cursor): Promise<Batch<T> | undefined>;
  /** How many entries there are after the cursor. */
  behind(cursor: Cursor): number;
}

/** Where things go. */
export interface Outlet<T> {
  /** `syslog`, `witness`: one of a few. */
  readonly kind: string;
  /** The place as the log may show it: no user, no path, no query. */
  readonly place: string;
  /** @throws DeliveryFault, or what the platform says of the connection */
  send(items: readonly T[], signal: AbortSignal): Promise<void>;
  close?(): void | Promise<void>;
}

export interface Pace {
  /** Milliseconds one attempt may take. */
  readonly timeout: number;
  readonly retry: Backoff;
  /** Milliseconds between two batches. */
  readonly every?: number | undefined;
}

/** What the gateway gives it. */
export interface Surroundings {
  readonly host: Pick<PluginHost, 'log' | 'count' | 'level' | 'limitHit' | 'now'>;
  /** Resolves after so many milliseconds, or when the signal says so. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** From 0 to 1. */
  random(): number;
  /** The place has seen a log that this one does not continue. */
  broken?(what: string): void;
}

/** How a delivery stands, as it is told to the operator. */
export type Standing = {
  readonly name: string;
  readonly kind: string;
  readonly place: string;
  /** The last that arrived. */
  readonly seq: number;
  /** Entries that have not. */
  readonly behind: number;
  /** Attempts that failed, in a row. */
  readonly failures: number;
  /** Why the last one did. */
  readonly fault: string | null;
  readonly reason: string | null;
};

/** What says that the log is not what it was. */
const BREAKS: ReadonlySet<Reason> = new Set(['fork', 'rollback']);

export class Delivery<T> {
  /** It closes: what is there is still sent. */
  readonly #leave = new AbortController();
  /** It ends now. */
  readonly #stop = new AbortController();
  readonly #over: Promise<void>;
  #news = Promise.withResolvers<void>();
  #cursor: Cursor;
  #failures = 0;
  #fault: DeliveryFault | undefined;

  /** @param ready what has to be over first, such as the one of the same name before it */
  constructor(
    readonly name: string,
    readonly outlet: Outlet<T>,
    readonly source: Source<T>,
    readonly file: CursorFile,
    readonly pace: Pace,
    readonly around: Surroundings,
    ready: Promise<void> = Promise.resolve(),
  ) {
    this.#cursor = { seq: 0 };
    this.#over = ready.then(() => this.#run());
  }

  /** There is something new. */
  wake(): void {
    this.#tell();
    this.#news.resolve();
  }

  get standing(): Standing {
    const { kind, place } = this.outlet;
    return {
      ...{ name: this.name, kind, place },
      seq: this.#cursor.seq,
      behind: this.source.behind(this.#cursor),
      failures: this.#failures,
      fault: this.#fault?.message ?? null,
      reason: this.#fault?.reason ?? null,
    };
  }

  /** Sends what is there, for `grace` milliseconds at the most; what is left then goes out after the next start. */
  async close(grace: number): Promise<void> {
    this.#leave.abort();
    this.wake();
    const limit = new AbortController();
    const timer = this.around.pause(grace, limit.signal).then(() => this.#stop.abort());
    await this.#over;
    limit.abort();
    await timer;
    await this.outlet.close?.();
  }

  async #run(): Promise<void> {
    const known = this.file.read();
    this.#cursor = known ?? this.source.start();
    if (!known) await this.#remember();
    while (!this.#stop.signal.aborted) {
      // Before the look, so that what comes meanwhile is not missed.
      this.#news = Promise.withResolvers<void>();
      const isLast = this.#leave.signal.aborted;
      const hadMore = await this.#step();
      if (hadMore) continue;
      if (isLast) return;
      if (!this.#leave.signal.aborted) await this.#news.promise;
    }
  }

  /** @returns whether there was something */
  async #step(): Promise<boolean> {
    try {
      const batch = await this.source.after(this.#cursor);
      if (!batch) return false;
      if (batch.skipped) this.#skipped(batch.skipped);
      if (batch.items.length > 0) await this.#send(batch.items);
      this.#arrived(batch);
    } catch (error) {
      await this.#failed(faultOf(error, this.outlet.place));
      return true;
    }
    await this.#remember();
    if (this.pace.every !== undefined) await this.#rest(this.pace.every);
    return true;
  }

  async #send(items: readonly T[]): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(this.pace.timeout)]);
    const { kind } = this.outlet;
    try {
      await within(this.outlet.send(items, signal), signal);
      this.around.host.count('delivered', { kind }, items.length);
    } catch (error) {
      const fault = faultOf(error, this.outlet.place);
      if (!fault.more.isFinal) throw fault;
      const entries = fault.more.entries ?? items.length;
      this.around.host.count('refused', { kind, reason: fault.reason }, entries);
      this.around.host.log.error('entries of the audit log are refused, and left out', {
        ...this.#words(fault),
        entries,
      });
    }
  }

  #tell(): void {
    this.around.host.level(`behind_${this.name}`, this.source.behind(this.#cursor));
  }

  #arrived({ next, items }: Batch<T>): void {
    this.#cursor = next;
    this.#tell();
    if (items.length === 0 || this.#failures === 0) return;
    this.around.host.log.info('the audit log is sent again', { to: this.name, place: this.outlet.place });
    this.#failures = 0;
    this.#fault = undefined;
  }

  async #failed(fault: DeliveryFault): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const { host, random } = this.around;
    host.count('failed', { kind: this.outlet.kind, reason: fault.reason });
    // Each reason once, however long it lasts.
    if (this.#failures === 0 || this.#fault?.reason !== fault.reason) {
      host.log.error('the audit log cannot be sent', this.#words(fault));
      if (BREAKS.has(fault.reason)) this.around.broken?.(fault.message);
    }
    this.#failures++;
    this.#fault = fault;
    await this.#rest(waitAfter(this.#failures, this.pace.retry, random(), fault.more.retryAfter));
  }

  /** Nothing is waited for while it closes: what fails then is tried again after the next start. */
  async #rest(ms: number): Promise<void> {
    if (!this.#leave.signal.aborted) await this.around.pause(ms, this.#leave.signal);
    else if (this.#failures > 0) this.#stop.abort();
  }

  #skipped({ entries, reason }: NonNullable<Batch<T>['skipped']>): void {
    const { host } = this.around;
    host.count('skipped', { kind: this.outlet.kind, reason }, entries);
    if (reason === 'behind') host.limitHit('audit_behind');
    host.log.error('entries of the audit log are left out', { to: this.name, entries, reason });
  }

  /** Where it cannot be written, what was sent since is sent once more after a restart. */
  async #remember(): Promise<void> {
    try {
      await this.file.write(this.#cursor);
    } catch (error) {
      this.around.host.count('failed', { kind: this.outlet.kind, reason: 'cursor' });
      const reason = String((error as NodeJS.ErrnoException).code ?? 'unknown');
      this.around.host.log.warn('how far the audit log was sent cannot be kept', { to: this.name, reason });
    }
  }

  #words(fault: DeliveryFault): Record<string, string> {
    return { to: this.name, place: this.outlet.place, reason: fault.reason, detail: fault.message };
  }
}

/** What does not heed its signal is not waited for. */
function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = () => reject(signal.reason);
    if (signal.aborted) give();
    signal.addEventListener('abort', give, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', give));
  });
}
