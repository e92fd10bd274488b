// Batches that a server sends: arrays of messages, which one revision has (2025-03-26). Bounded by limits.

import type { Host } from '../core/host.ts';
import { MessageError, parseBatch } from '../protocol/jsonrpc.ts';
import type { UpstreamLimits } from './spec.ts';

/** The texts of its messages. @throws MessageError when it is none, or has more than `limits.upstream_batch` */
export function textsOf(
  text: string,
  { json, upstreamBatch: most }: Pick<UpstreamLimits, 'json' | 'upstreamBatch'>,
  { metrics }: Host,
): string[] {
  const texts = parseBatch(text, json, Number.POSITIVE_INFINITY);
  if (texts.length <= most) return texts;
  metrics.limitHits.inc({ limit: 'upstream_batch' });
  const why = `a batch of more than limits.upstream_batch allows (${most} messages)`;
  throw new MessageError(-32600, why, undefined, 'upstream_batch');
}
