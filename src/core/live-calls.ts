// The calls of clients at work, for those who look on: who, what, where, in which phase. Never what they are about.

import { every } from '../lib/every.ts';
import type { JsonObject } from '../protocol/values.ts';
import { CallProgress } from './call-progress.ts';
import type { Client } from './client.ts';
import type { Exchange } from './exchange.ts';
import type { Emit } from './handler.ts';
import type { Host } from './host.ts';
import { bounded } from './phases.ts';

export interface LiveCallInit {
  readonly id: string;
  readonly client: Client;
  readonly endpoint: string;
  readonly listener: string;
  readonly method: string;
  /** The client's progress token as JSON text. */
  readonly token: string | undefined;
  readonly emit: Emit;
  /** Its latest round, as soon as there is one. */
  readonly x: () => Exchange | undefined;
  /** The name of what it asks for, where that may be shown. */
  readonly asked: () => string | undefined;
}

export interface LiveCall {
  readonly progress: CallProgress;
  /** It has ended. */
  end(): void;
}

export interface CallsReport {
  /** How many there are. */
  readonly calls: number;
  /** Those that have been at work for longest, that one first. */
  readonly longest: readonly JsonObject[];
}

/** How often is looked what is to be told, milliseconds, where nothing asks for more. */
const TICK_MS = 500;

interface Entry {
  readonly init: LiveCallInit;
  readonly since: number;
  readonly progress: CallProgress;
}

export class LiveCalls {
  readonly #entries = new Set<Entry>();
  /** Those whose clients want to hear of progress. */
  readonly #told = new Set<CallProgress>();
  #stop: (() => void) | undefined;

  /** @param repeat milliseconds between two words to a client on the same phase */
  constructor(
    readonly host: Pick<Host, 'metrics' | 'now'>,
    readonly repeat: () => number,
    /** Milliseconds, on a clock that is never put back. */
    readonly time: () => number = () => performance.now(),
  ) {}

  begin(init: LiveCallInit): LiveCall {
    const { host, time, repeat } = this;
    // A subscription is quiet by nature, and nobody waits for its end.
    const lasts = init.method === 'subscriptions/listen';
    const token = lasts ? undefined : init.token;
    const progress = new CallProgress({ token, out: init.emit, host, time, every: repeat });
    const entry = { init, since: host.now(), progress };
    if (!lasts) this.#entries.add(entry);
    if (token !== undefined) this.#tell(progress);
    return {
      progress,
      end: () => {
        progress.end();
        this.#entries.delete(entry);
        this.#untell(progress);
      },
    };
  }

  /** @param most of them are described */
  report(most: number): CallsReport {
    const longest = [...this.#entries.values().take(most)].map((entry) => described(entry, this.host.now()));
    return { calls: this.#entries.size, longest };
  }

  /** One timer for all of them, which runs as long as there are any. */
  #tell(progress: CallProgress): void {
    this.#told.add(progress);
    const tick = (): number => Math.min(TICK_MS, this.repeat());
    this.#stop ??= every(tick, () => {
      for (const each of this.#told) each.tick();
    });
  }

  #untell(progress: CallProgress): void {
    if (!this.#told.delete(progress) || this.#told.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }
}

function described({ init, since, progress }: Entry, now: number): JsonObject {
  const { id, client, endpoint, listener, method, asked } = init;
  const x = init.x();
  const { id: principal, tenant } = x?.principal ?? client.principal;
  const { told } = progress;
  const all = {
    id,
    principal,
    tenant,
    client: client.info?.string('name'),
    version: client.version,
    listener,
    endpoint,
    method,
    name: asked(),
    upstream: x?.route.kind === 'one' ? x.route.upstream : undefined,
    since,
    ms: Math.max(0, now - since),
    phase: progress.phases.current.name,
    phaseMs: progress.inPhase,
    progress: told?.progress,
    total: told?.total,
    message: told?.message,
  };
  const there = Object.entries(all).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    there.map(([name, value]) => [name, typeof value === 'string' ? bounded(value) : value]),
  ) as JsonObject;
}
