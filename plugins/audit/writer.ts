// How an entry gets into the log, and what a call waits for meanwhile: `strict`, `bounded`, `best_effort`.

import type { PluginHost } from '../../src/plugin.ts';
import type { Flat } from './canonical.ts';
import { type AuditLog, LogUnavailable } from './log.ts';
import { durabilityOf, type Options } from './options.ts';

export class Writer {
  constructor(
    readonly log: AuditLog,
    readonly options: Options,
    readonly host: Pick<PluginHost, 'count' | 'limitHit'>,
  ) {}

  /** Whether a call of this method may begin: what follows of it can be written as it has to be. */
  takes(method: string): boolean {
    return (
      durabilityOf(this.options, method) !== 'strict' || (this.log.fault === undefined && !this.log.isFull)
    );
  }

  /**
   * @returns what the call has to wait for; undefined where that is nothing
   * @throws LogUnavailable, at once or later, when the call must not go on
   */
  write(fields: Flat, method: string): Promise<unknown> | undefined {
    switch (durabilityOf(this.options, method)) {
      case 'best_effort':
        this.note(fields);
        return undefined;
      case 'strict':
        return this.#inTime(this.#append(fields));
      case 'bounded':
        if (this.log.isFull) return this.#withRoom(fields);
        void this.#append(fields);
        return undefined;
    }
  }

  /** Nobody waits for it. Where there is no room, the log will say that something is missing. */
  note(fields: Flat): void {
    try {
      void this.#append(fields);
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
      // It is counted where it was lost.
    }
  }

  #append(fields: Flat): Promise<number> {
    try {
      return this.log.append(fields);
    } catch (error) {
      this.log.lose();
      this.host.count('lost');
      throw error;
    }
  }

  async #withRoom(fields: Flat): Promise<void> {
    this.host.limitHit('audit_queue');
    const until = performance.now() + this.options.wait;
    while (this.log.isFull && performance.now() < until)
      await this.#inTime(this.log.room()).catch(() => undefined);
    void this.#append(fields);
  }

  /** @throws LogUnavailable after `wait`: what is waited for may still come */
  async #inTime<T>(settled: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new LogUnavailable('fault')), this.options.wait);
    try {
      return await Promise.race([settled, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
