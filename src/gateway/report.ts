// The state of the gateway for `sluice status` and the admin listener.

import type { Upstream as UpstreamConfig } from '../config/schema.ts';
import type { PinStore } from '../core/pin-store.ts';
import type { HttpListener } from '../listeners/http.ts';
import { shown } from '../upstreams/targets.ts';
import type { Generation } from './generation.ts';
import type { GatewayReport, ListenerState } from './types.ts';

export interface Reporting {
  readonly generation: Generation;
  readonly pins: Pick<PinStore, 'waiting'>;
  readonly startedAt: number;
  readonly listeners: readonly HttpListener[];
  readonly inFlight: number;
  readonly streams: number;
  readonly draining: number;
}

export function report({ generation, listeners, pins, ...rest }: Reporting): GatewayReport {
  const paths = [...generation.endpoints.keys()];
  return {
    ...rest,
    generation: generation.number,
    listeners: listeners.map((listener) => listenerState(listener, paths)),
    upstreams: generation.loaded.config.upstreams.map((config) => {
      const state = generation.upstreams.get(config.name)?.state();
      const none = { links: 0, calls: 0, waiting: 0, tokens: 0, parked: 0, eras: [], targets: [] };
      const { name, kind } = config;
      const unapproved = pins.waiting(name).size;
      return { name, kind, target: targetOf(config), unapproved, ...(state ?? none) };
    }),
    remarks: [...generation.endpoints].flatMap(([endpoint, { offering }]) =>
      offering.remarks().map((text) => ({ endpoint, text })),
    ),
    pipeline: generation.steps.map(({ id }) => id),
    sessions: listeners.reduce((sum, { sessions }) => sum + sessions.size, 0),
  };
}

function listenerState({ url, publicUrl }: HttpListener, paths: readonly string[]): ListenerState {
  const tcp = /^https?:\/\//.exec(url)?.[0];
  return {
    address: tcp ? url.slice(tcp.length) : `unix:${url}`,
    urls: paths.map((path) => (tcp ? `${url}${path}` : `http://localhost${path}`)),
    ...(publicUrl !== undefined && { publicUrls: paths.map((path) => `${publicUrl}${path}`) }),
  };
}

/** Without credentials: a URL's query may hold one, arguments of a program likewise. */
function targetOf(config: UpstreamConfig): string {
  if (config.kind === 'builtin') return config.builtin;
  if (config.kind === 'command') return config.command;
  return config.urls.map(shown).join(', ');
}
