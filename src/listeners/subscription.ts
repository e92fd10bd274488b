// One subscriptions/listen exchange as the client sees it: it lives on while generations come and go beneath.
// A new run takes over when it is acknowledged, so that no event falls between.

import { messageOf } from '../core/errors.ts';
import { GRACEFUL } from '../core/graceful.ts';
import type { Log } from '../core/log.ts';
import { McpNotification, type McpResult } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { Changed } from './serving.ts';

export const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';

export interface SubscriptionHooks {
  /** Begins a run on the current generation. */
  run(signal: AbortSignal, emit: (note: McpNotification) => Promise<void> | undefined): Promise<McpResult>;
  /** The honoured part of the filter, after the first run and after every renewal that was asked for. */
  acknowledged(notifications: RawObject): void;
  event(note: McpNotification): Promise<void> | undefined;
  /** A run ended by itself: the upstream's side is over, or a plugin refused. */
  ended(result: McpResult): void;
  readonly log: Log;
}

const NOTES = {
  toolsListChanged: 'notifications/tools/list_changed',
  promptsListChanged: 'notifications/prompts/list_changed',
  resourcesListChanged: 'notifications/resources/list_changed',
} as const;

export class Subscription {
  readonly #hooks: SubscriptionHooks;
  /** Runs that have not ended, oldest first; the last one is current. */
  readonly #runs = new Set<AbortController>();
  #current: AbortController | undefined;
  #stopped = false;

  constructor(hooks: SubscriptionHooks) {
    this.#hooks = hooks;
  }

  get running(): boolean {
    return this.#current !== undefined;
  }

  /** Starts, or starts anew: what ran before goes on until the new run is acknowledged. */
  renew(changed?: Promise<Changed>): void {
    if (this.#stopped) return;
    const mine = new AbortController();
    this.#current = mine;
    this.#runs.add(mine);
    void this.#hooks
      .run(mine.signal, (note) => this.#heard(note, mine, changed))
      .then((result) => this.#over(mine, result))
      .catch((error: unknown) => this.#hooks.log.error('subscription failed', { error: messageOf(error) }));
  }

  stop(): void {
    this.#stopped = true;
    this.#current = undefined;
    this.#endOthers(undefined);
  }

  #heard(note: McpNotification, run: AbortController, changed: Promise<Changed> | undefined) {
    if (!this.#runs.has(run)) return undefined;
    if (note.method !== ACKNOWLEDGED) return this.#hooks.event(note);
    // A run that was replaced before it was acknowledged speaks of a filter that no longer holds.
    if (run !== this.#current) return undefined;
    this.#endOthers(run);
    const filter = note.raw?.object('notifications');
    if (filter) this.#hooks.acknowledged(filter);
    if (filter && changed) void this.#tell(filter, changed);
    return undefined;
  }

  #over(run: AbortController, result: McpResult): void {
    this.#runs.delete(run);
    if (run !== this.#current) return;
    this.#endOthers(undefined);
    this.#current = undefined;
    this.#hooks.ended(result);
  }

  #endOthers(but: AbortController | undefined): void {
    for (const run of this.#runs) {
      if (run === but) continue;
      this.#runs.delete(run);
      run.abort(GRACEFUL);
    }
  }

  async #tell(filter: RawObject, changed: Promise<Changed>): Promise<void> {
    for (const member of await changed) {
      if (filter.get(member) === true) await this.#hooks.event(McpNotification.of(NOTES[member], {}));
    }
  }
}
