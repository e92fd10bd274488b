// Pools of TLS connections to one upstream. When certificates change a new pool takes over: what is at work on the old
// one ends as it is, and its idle connections run out by themselves.

import { Agent as HttpsAgent } from 'node:https';
import type { TlsOptions } from './certificates.ts';

/** An idle pooled connection is kept this long: shorter than what common servers allow, to avoid reuse races. */
const KEEP_ALIVE_MS = 4_000;

// The agent's timeout ends idle connections only; on busy ones it is an event that nobody listens to.
const POOL = { keepAlive: true, timeout: KEEP_ALIVE_MS, maxSockets: Number.POSITIVE_INFINITY };

export interface Agents {
  /** @throws what `options` throws */
  current(): HttpsAgent;
  close(): void;
}

/** @param options of TLS; another object when they have changed */
export function createAgents(options?: () => TlsOptions): Agents {
  let made: TlsOptions | undefined;
  let https: HttpsAgent | undefined;
  let older: HttpsAgent[] = [];
  return {
    current() {
      const wanted = options?.();
      if (https && wanted === made) return https;
      if (https) older = [...older, https].filter(isUsed);
      made = wanted;
      https = new HttpsAgent({ ...POOL, ...wanted });
      return https;
    },
    close() {
      for (const agent of [https, ...older]) agent?.destroy();
    },
  };
}

function isUsed({ sockets, freeSockets }: HttpsAgent): boolean {
  return Object.keys(sockets).length > 0 || Object.keys(freeSockets).length > 0;
}
