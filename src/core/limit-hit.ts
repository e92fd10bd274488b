// Counts a text that was refused because it is beyond what one may hold.

import { MessageError } from '../protocol/jsonrpc.ts';
import type { Host } from './host.ts';

/** Batches are counted where they are taken apart. */
const OF_JSON: readonly unknown[] = ['depth', 'keys', 'string'];

export function countLimit(error: unknown, { metrics }: Pick<Host, 'metrics'>): void {
  if (!(error instanceof MessageError) || !OF_JSON.includes(error.limit)) return;
  metrics.limitHits.inc({ limit: error.limit });
}
