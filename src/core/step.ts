// One entry of a pipeline, set up, and what all its hooks have in common: mode, failures and deadlines.

import type { McpResult } from '../protocol/message.ts';
import { GatewayError, messageOf } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Emit } from './handler.ts';
import type { Host } from './host.ts';
import type { Hooks } from './plugin.ts';
import { within } from './within.ts';

/** One entry of a pipeline, set up. */
export interface Step {
  readonly id: string;
  readonly hooks: Hooks;
  readonly mode: 'enforce' | 'shadow';
  readonly onError: 'refuse' | 'pass';
  /** Milliseconds a hook may take before it counts as failed. */
  readonly timeout: number;
  /** Whether `when` lets this entry see the exchange; undefined where that depends on a route that is undecided. */
  applies(x: Exchange): boolean | undefined;
  /** Whether `when` lets it see any exchange of this endpoint. */
  covers?(endpoint: string): boolean;
}

/** What the hooks of one step have in common: mode, failures and deadlines are dealt with here. */
export interface Guard {
  readonly id: string;
  readonly hooks: Hooks;
  readonly shadow: boolean;
  /** Whether what it cannot judge passes. */
  readonly lenient: boolean;
  /** A hook's verdict before its deadline. */
  in<T>(x: Pick<Exchange, 'signal' | 'held'>, verdict: T | PromiseLike<T>): T | Promise<T>;
  /** What a hook may send with: nothing, in shadow. */
  emitter(x: Exchange, emit: Emit): Emit;
  /** Reports what shadow mode kept from happening. */
  would(what: string, x: Exchange, why?: McpResult['why']): undefined;
  failed(error: unknown, x: Exchange): void;
  /** What stands in the place of the verdict of a hook that failed: undefined where the message passes. */
  fault(error: unknown, x: Exchange): GatewayError | undefined;
  dropped(): void;
}

export function guardOf({ hooks, id, mode, onError, timeout }: Step, host: Host): Guard {
  const shadow = mode === 'shadow';
  const lenient = shadow || onError === 'pass';
  const would: Guard['would'] = (what, x, why) => {
    const { method } = x.request;
    host.log.info(`shadow: would have ${what}`, { ...why, plugin: id, requestId: x.id, method });
  };
  const failed = (error: unknown, x: Exchange): void => {
    host.metrics.pluginErrors.inc({ plugin: id });
    host.log.error('plugin failed', { plugin: id, requestId: x.id, error: messageOf(error) });
  };
  return {
    id,
    hooks,
    shadow,
    lenient,
    would,
    failed,
    in: (x, verdict) => within(verdict, timeout, x),
    emitter: (x, emit) => (shadow ? () => would('sent a notification', x) : emit),
    fault(error, x) {
      if (isCancellation(error, x)) return new GatewayError('CANCELLED', undefined, { requestId: x.id });
      failed(error, x);
      if (lenient) return undefined;
      const data = { requestId: x.id, plugin: id };
      return new GatewayError('PLUGIN_FAILED', `The plugin "${id}" failed, so the call was refused.`, data);
    },
    dropped: () => host.metrics.dropped.inc({ reason: 'plugin_failed' }),
  };
}

/** The caller went away while the hook was at work: nobody's failure. */
function isCancellation(error: unknown, { signal }: Exchange): boolean {
  if (!signal.aborted) return false;
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}
