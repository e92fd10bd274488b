// Limits counted in Redis or Valkey, for gateways beside each other: one call for all limits of an ask.

import type { PluginHost } from '../../src/plugin.ts';
import { digestOf, digestText } from './digest.ts';
import type { State } from './gcra.ts';
import { type LinkOptions, RedisLink, type Run } from './redis-link.ts';
import {
  peekArguments,
  type Reply,
  readReply,
  SCRIPT,
  SCRIPT_SHA,
  settleArguments,
  takeArguments,
} from './redis-script.ts';
import { Standby, type StandbyOptions } from './standby.ts';
import { inScale, stateAt, tell, view } from './standing.ts';
import type { Ask, Counted, Lost, Rate, Settlement, Store, Told } from './store.ts';

export interface RedisOptions extends LinkOptions, StandbyOptions {
  /** In front of every key. */
  readonly prefix: string;
}

const PROBE: Rate = { kind: 'rate', units: 1, window: 1, burst: 1_000 };

export class RedisStore implements Store {
  readonly #link: RedisLink;
  readonly #standby: Standby;
  readonly #prefix: string;

  constructor(host: Pick<PluginHost, 'log' | 'now' | 'count' | 'level' | 'limitHit'>, options: RedisOptions) {
    this.#prefix = options.prefix;
    this.#standby = new Standby(host, options);
    const probe = [{ key: 'probe', limit: PROBE, cost: 1 }];
    const script = { source: SCRIPT, sha: SCRIPT_SHA };
    this.#link = new RedisLink(host, options, script, this.#run(probe, takeArguments), () =>
      this.#standby.doubt(),
    );
  }

  /** All but where it is may change with a reload. */
  set options(options: RedisOptions) {
    this.#standby.options = options;
    this.#link.deadline = options.deadline;
  }

  get ready(): Promise<void> {
    return this.#link.ready;
  }

  get lost(): Lost | undefined {
    return this.#link.lost;
  }

  async take(asks: readonly Ask[], tag?: string): Promise<Told[]> {
    const run = this.#run(asks, takeArguments, tag);
    const reply = await this.#ask(run, asks);
    if (!reply) return this.#standby.take(asks);
    return asks.map((ask, at) => {
      const found = view(ask.limit, reply.levels[at] ?? 0, inScale(ask.limit, ask.cost));
      const level = reply.isTaken ? found.level + found.want : found.level;
      this.#standby.heard(digestOf(ask), stateAt(ask.limit, level, reply.now), ask.limit);
      return tell(found, level, reply.now);
    });
  }

  async adjust(settlements: readonly Settlement[], tag?: string): Promise<void> {
    const reply = await this.#ask(this.#run(settlements, settleArguments, tag), settlements);
    if (!reply) return this.#standby.adjust(settlements);
    for (const [at, each] of settlements.entries()) {
      const state: State = stateAt(each.limit, reply.levels[at] ?? 0, reply.now);
      this.#standby.heard(digestOf(each), state, each.limit);
    }
  }

  async peek(keys: readonly Counted[], tag?: string): Promise<Told[]> {
    const reply = await this.#ask(this.#run(keys, peekArguments, tag), keys);
    if (!reply) return this.#standby.peek(keys);
    return keys.map(({ limit }, at) => {
      const level = reply.levels[at] ?? 0;
      const told = tell(view(limit, level, 0), level, reply.now);
      return { ...told, admitted: told.remaining > 0 };
    });
  }

  close(): void {
    this.#link.close();
    this.#standby.close();
  }

  async #ask(run: Run, keys: readonly Counted[]): Promise<Reply | undefined> {
    const answer = await this.#link.run(run);
    if (answer === undefined) return undefined;
    try {
      return readReply(answer, keys.length);
    } catch (error) {
      this.#link.distrust(error);
      return undefined;
    }
  }

  #run<T extends Counted>(
    keys: readonly T[],
    argumentsOf: (keys: readonly T[], known: readonly ReturnType<Standby['known']>[]) => string[],
    tag = '',
  ): Run {
    const digests = keys.map(digestOf);
    const args = argumentsOf(
      keys,
      digests.map((digest) => this.#standby.known(digest)),
    );
    // What stands in braces decides where a cluster keeps it.
    const place = `${this.#prefix}{${digestText(tag)}}`;
    return { keys: digests.map((digest) => `${place}:${digest}`), args };
  }
}
