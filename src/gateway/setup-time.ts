// The time a plugin has to start and to end: `limits.plugin_setup`. One that hangs must not keep the gateway from
// its next reload.

import { messageOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Hooks } from '../core/plugin.ts';
import { settledWithin } from '../lib/settled.ts';

export interface SetupTime {
  /** As the log names the entry: `redact`, `files/sign`. */
  readonly place: string;
  /** Milliseconds. */
  readonly ms: number;
  readonly host: Host;
}

/**
 * The hooks that `make` resolves with.
 * @throws what `make` throws, or that its time is up; hooks that come later are disposed at once
 */
export async function setUpInTime(make: () => Promise<Hooks>, time: SetupTime): Promise<Hooks> {
  const making = make();
  if (await settledWithin(making, time.ms)) return making;
  time.host.metrics.limitHits.inc({ limit: 'plugin_setup' });
  making.then((hooks) => disposeInTime(hooks.dispose?.bind(hooks), time)).catch(() => {});
  throw new Error(`its setup took longer than limits.plugin_setup (${time.ms} ms)`);
}

/** Runs a plugin's `dispose`. Never rejects: what it fails to give back must not keep others from it. */
export async function disposeInTime(
  dispose: (() => void | Promise<void>) | undefined,
  { place, ms, host }: SetupTime,
): Promise<void> {
  const failed = (why: string): void => {
    host.metrics.pluginErrors.inc({ plugin: place });
    host.log.error('plugin not disposed', { plugin: place, error: why });
  };
  const disposing = Promise.resolve()
    .then(dispose)
    .catch((error: unknown) => failed(messageOf(error)));
  if (await settledWithin(disposing, ms)) return;
  host.metrics.limitHits.inc({ limit: 'plugin_setup' });
  failed(`it took longer than limits.plugin_setup (${ms} ms)`);
}
