// What ends a call whose client does not take what comes for it: it holds a place that others wait for, or takes
// nothing at all. Whoever it holds up on a channel is another matter (patience.ts).

import { GatewayError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';

/** Milliseconds. */
export interface Endurance {
  /** How long others may wait for its place while it takes its time, all in all. */
  readonly slowClient: number;
  /** How long it may take nothing. */
  readonly stalledClient: number;
}

export interface Taking {
  readonly upstream: string;
  readonly deadlines: Endurance;
  /** Whether others wait for a place at the upstream. */
  readonly crowded: () => boolean;
  readonly host: Host;
}

/** Between two looks, milliseconds. */
const LOOK_MS = 100;

export class SlowClient {
  readonly #on: Taking;
  readonly #heldSince: () => number | undefined;
  readonly #tooSlow: (error: GatewayError) => void;
  #timer: Timer | undefined;
  #looked = 0;
  #follows = false;
  /** What others have waited for it so far. */
  #spent = 0;
  #over = false;

  /**
   * @param heldSince since when the client has taken nothing of what is there for it (`performance.now`)
   * @param tooSlow called once
   */
  constructor(on: Taking, heldSince: () => number | undefined, tooSlow: (error: GatewayError) => void) {
    this.#on = on;
    this.#heldSince = heldSince;
    this.#tooSlow = tooSlow;
  }

  /** Something may be held up from now on. Looks until it is not. */
  readonly watch = (): void => {
    if (this.#over || this.#timer) return;
    this.#looked = performance.now();
    this.#again();
  };

  /** Looks until it is stopped: where nobody says that something begins to be held up. */
  follow(): void {
    this.#follows = true;
    this.watch();
  }

  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #again(): void {
    const { slowClient, stalledClient } = this.#on.deadlines;
    this.#timer = setTimeout(() => this.#look(), Math.max(1, Math.min(LOOK_MS, slowClient, stalledClient)));
  }

  #look(): void {
    this.#timer = undefined;
    const since = this.#heldSince();
    const now = performance.now();
    if (since === undefined) {
      this.#looked = now;
      if (this.#follows) this.#again();
      return;
    }
    const { deadlines, crowded } = this.#on;
    this.#spent += crowded() ? now - Math.max(since, this.#looked) : 0;
    this.#looked = now;
    if (now - since >= deadlines.stalledClient) this.#end('stalled_client', 'took nothing of its result for');
    else if (this.#spent > deadlines.slowClient)
      this.#end('slow_client', 'kept others waiting for its place at the upstream for more than');
    else this.#again();
  }

  #end(kind: 'slow_client' | 'stalled_client', what: string): void {
    const { deadlines, upstream, host } = this.#on;
    this.stop();
    host.metrics.timeouts.inc({ kind, upstream });
    const ms = kind === 'slow_client' ? deadlines.slowClient : deadlines.stalledClient;
    const why = `The client ${what} timeouts.${kind} (${ms} ms) of the upstream "${upstream}".`;
    this.#tooSlow(new GatewayError('CLIENT_SLOW', why, { upstream, timeout: kind }));
  }
}
