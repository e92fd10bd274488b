// The first contact with every upstream, before a client needs one: for the start text, and so that processes and
// connections stand. On behalf of a client that nobody can ask anything.

import { ANONYMOUS, type Client, NO_CAPABILITIES } from '../core/client.ts';
import { GatewayError, messageOf } from '../core/errors.ts';
import { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { McpRequest } from '../protocol/message.ts';
import { STATELESS } from '../protocol/versions.ts';
import { inTime } from '../router/in-time.ts';
import { listAll } from '../router/list.ts';
import type { Generation } from './generation.ts';
import type { Warmed } from './types.ts';

/** Upstreams asked at once: each may start a process. */
const AT_ONCE = 4;

const CLIENT: Client = {
  era: '2026',
  version: STATELESS,
  transport: 'http',
  info: undefined,
  capabilities: NO_CAPABILITIES,
  principal: ANONYMOUS,
};

/** Asks every upstream for its tools. Each has `timeouts.start`, and is told of when it has answered or failed. */
export async function warm(
  generation: Generation,
  host: Host,
  signal: AbortSignal,
  told: (warmed: Warmed) => void,
): Promise<void> {
  const waiting = [...generation.loaded.config.upstreams];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift()) {
      const warmed = await one(next.name, next.timeouts.start, generation, host, signal);
      if (!signal.aborted) told(warmed);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function one(
  name: string,
  patience: number,
  generation: Generation,
  host: Host,
  signal: AbortSignal,
): Promise<Warmed> {
  const began = performance.now();
  const took = (): number => performance.now() - began;
  const source = generation.sources.get(name);
  if (!source) return { name, ok: false, isForCallers: false, ms: 0, why: 'not configured any more' };
  try {
    const { items } = await inTime(name, { signal, patience, field: 'timeouts.start', host }, (both) =>
      listAll(source, 'tools', exchange(both, host)),
    );
    const eras = generation.upstreams.get(name)?.state().eras ?? [];
    return { name, ok: true, ms: took(), tools: items.length, eras };
  } catch (error) {
    const isForCallers = error instanceof GatewayError && error.code === 'CREDENTIAL_MISSING';
    return { name, ok: false, isForCallers, ms: took(), why: messageOf(error) };
  }
}

function exchange(signal: AbortSignal, host: Host): Exchange {
  return new Exchange({
    id: `warm-${crypto.randomUUID()}`,
    client: CLIENT,
    inbound: { listener: 'gateway', endpoint: '', headers: new Headers() },
    request: new McpRequest('tools/list', undefined),
    route: { kind: 'local' },
    signal,
    now: host.now(),
  });
}
