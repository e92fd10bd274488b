// Refusals in the log and in the figures. So many may come that the log would be a way to fill the disk, so it has a
// few of each second; the figures have all.

import type { Exchange } from '../../src/plugin.ts';
import type { Host } from './attempt.ts';

/** Lines in a second. */
const LINES = 20;
const SECOND = 1_000;

export function createLines({
  log,
  count,
  now,
}: Host): (x: Exchange, method: string, reason: string) => void {
  let second = 0;
  let lines = 0;
  return (x, method, reason) => {
    count('refused', { kind: method, reason });
    const current = Math.floor(now() / SECOND);
    if (current !== second) [second, lines] = [current, 0];
    if (lines++ >= LINES) return;
    log.info('caller refused', { requestId: x.id, endpoint: x.inbound.endpoint, by: method, reason });
  };
}
