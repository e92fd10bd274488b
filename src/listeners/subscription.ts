// One subscriptions/listen exchange as the client sees it: it lives on while generations come and go beneath.
// A new run takes over when it is acknowledged, so that no event falls between.

import { messageOf } from '../core/errors.ts';
import { GRACEFUL } from '../core/graceful.ts';
import type { Log } from '../core/log.ts';
import { McpNotification, type McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { Changed } from './serving.ts';

export const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';

export interface SubscriptionHooks {
  /** Begins a run on the current generation. */
  run(signal: AbortSignal, emit: (note: McpNotification) => undefined): Promise<McpResult>;
  /** The honoured part of the filter, at the beginning and after every renewal. */
  acknowledged?(notifications: RawObject): void;
  event(note: McpNotification): void;
  /** The newest run ended by itself: the upstream's side is over, or a plugin refused. */
  ended(result: McpResult): void;
  readonly log: Log;
}

/** The lists a subscription can be told of, and the notification of each. */
export const LIST_NOTES = {
  toolsListChanged: 'notifications/tools/list_changed',
  promptsListChanged: 'notifications/prompts/list_changed',
  resourcesListChanged: 'notifications/resources/list_changed',
} as const;

interface Run {
  readonly controller: AbortController;
  readonly acknowledged: PromiseWithResolvers<RawObject>;
  /** To be told of once it is acknowledged. */
  readonly changed: Promise<Changed>[];
}

export class Subscription {
  readonly #hooks: SubscriptionHooks;
  /** Oldest first. All but the first wait for their acknowledgement. */
  readonly #runs: Run[] = [];
  #stopped = false;

  constructor(hooks: SubscriptionHooks) {
    this.#hooks = hooks;
  }

  get running(): boolean {
    return this.#runs.length > 0;
  }

  /**
   * Starts, or starts anew: what ran before goes on until the new run is acknowledged.
   * @returns what that run, or one that replaced it, honours of the filter; `{}` when it ended instead
   */
  renew(changed?: Promise<Changed>): Promise<RawObject> {
    if (this.#stopped) return Promise.resolve(RawObject.of({}));
    const run: Run = {
      controller: new AbortController(),
      acknowledged: Promise.withResolvers(),
      changed: changed === undefined ? [] : [changed],
    };
    this.#runs.push(run);
    void this.#hooks
      .run(run.controller.signal, (note) => this.#emit(run, note))
      .then((result) => this.#ended(run, result))
      .catch((error: unknown) => this.#hooks.log.error('subscription failed', { error: messageOf(error) }));
    return run.acknowledged.promise;
  }

  stop(): void {
    this.#stopped = true;
    for (const run of this.#runs.splice(0)) this.#supersede(run, RawObject.of({}));
  }

  #emit(run: Run, note: McpNotification): undefined {
    if (run.controller.signal.aborted) return;
    if (note.method !== ACKNOWLEDGED) {
      this.#hooks.event(note);
      return;
    }
    const filter = note.raw?.object('notifications') ?? RawObject.of({});
    this.#takeOver(run);
    run.acknowledged.resolve(filter);
    this.#hooks.acknowledged?.(filter);
    for (const changed of run.changed.splice(0)) void this.#tell(filter, changed);
  }

  #takeOver(run: Run): void {
    for (const before of this.#runs.splice(0, this.#runs.indexOf(run))) {
      run.changed.push(...before.changed);
      this.#supersede(before, run.acknowledged.promise);
    }
  }

  #supersede({ acknowledged, controller }: Run, by: RawObject | Promise<RawObject>): void {
    acknowledged.resolve(by);
    controller.abort(GRACEFUL);
  }

  #ended(run: Run, result: McpResult): void {
    const index = this.#runs.indexOf(run);
    run.acknowledged.resolve(RawObject.of({}));
    // It was replaced, or another is about to replace it.
    if (index < 0) return;
    if (index < this.#runs.length - 1) {
      this.#runs.splice(index, 1);
      return;
    }
    this.#takeOver(run);
    this.#runs.length = 0;
    this.#hooks.ended(result);
  }

  async #tell(filter: RawObject, changed: Promise<Changed>): Promise<void> {
    for (const member of await changed) {
      if (filter.get(member) === true && !this.#stopped)
        this.#hooks.event(McpNotification.of(LIST_NOTES[member], {}));
    }
  }
}
