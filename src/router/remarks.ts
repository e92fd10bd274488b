// What somebody should know of an endpoint's lists, each told once for as long as the configuration stays.

import type { Host } from '../core/host.ts';

export type Remark = (level: 'warn' | 'error', text: string, fields: Record<string, string>) => void;

/** Names come from upstreams: the memory of what was told is bounded. */
const MOST = 200;

export interface Remarks {
  readonly remark: Remark;
  /** What was told so far. */
  all(): readonly string[];
}

export function createRemarks(host: Host | undefined, endpoint: string): Remarks {
  const told = new Set<string>();
  return {
    remark(level, text, fields) {
      if (told.has(text) || told.size >= MOST) return;
      told.add(text);
      host?.log[level](text, { endpoint, ...fields });
    },
    all: () => [...told],
  };
}
