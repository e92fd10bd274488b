// The gateway as the admin server sees it, from before it has started until after it stopped.

import type { AdminSource } from '../admin/source.ts';
import type { Gateway } from '../gateway/types.ts';
import type { JsonValue } from '../protocol/values.ts';
import { BUILD } from './build-info.ts';
import type { Prepared } from './prepare.ts';
import type { Reload } from './reloading.ts';

const NOT_YET: JsonValue = {
  version: 1,
  ok: false,
  error: { code: 'STARTING', message: 'the gateway is starting' },
};

export interface LateSource extends AdminSource {
  /** Hands over the reload once there is something to reload. */
  reloadWith(reload: Reload): void;
}

/** @param gateway the running gateway, or undefined while it starts */
export function adminSource(prepared: Prepared, gateway: () => Gateway | undefined): LateSource {
  const { redact = (text) => text } = prepared.world.host;
  let reload: Reload = async () => ({ ok: false, body: NOT_YET });
  return {
    ready: () => gateway()?.ready() === true,
    away: () =>
      (gateway()?.report().upstreams ?? [])
        .filter(({ targets }) => targets.length > 0 && targets.every(({ state }) => state === 'open'))
        .map(({ name }) => name),
    status: () => statusOf(prepared, gateway()),
    calls: (most) => ({ version: 1, ...(gateway()?.calls(most) ?? { calls: 0, longest: [] }) }),
    metrics: prepared.world.host.metrics.registry,
    redact,
    reload: (options) => reload(options),
    reloadWith(given) {
      reload = given;
    },
    plugins: () => ({ version: 1, plugins: (gateway()?.plugins() ?? []) as unknown as JsonValue }),
    plugin: async (id, asked) => gateway()?.plugin(id, asked),
    explain: ({ method, name, endpoint }) => {
      const found = gateway()?.explain(method, name, endpoint);
      return found === undefined ? undefined : ({ version: 1, ...found } as unknown as JsonValue);
    },
  };
}

function statusOf({ reader, logger }: Prepared, gateway: Gateway | undefined): JsonValue {
  const status = {
    version: 1,
    sluice: BUILD.version,
    pid: process.pid,
    config: reader.name(),
    logLevel: logger.level,
    ready: gateway?.ready() === true,
    ...gateway?.report(),
  };
  return status as unknown as JsonValue;
}
