// What an upstream is known under as long as its configuration is the same: over generations, and over restarts on
// the same state. Tells nothing of what it was made from, secrets included.

import { textOf } from '../config/same.ts';
import type { Upstream as UpstreamConfig } from '../config/schema.ts';
import type { SetUp } from './steps.ts';

/** @param key of this gateway: a digest without one could be guessed at */
export function entryOf(config: UpstreamConfig, steps: readonly SetUp[], key: Uint8Array): string {
  const files = steps.map(({ file }) => file?.digest ?? '');
  return new Bun.CryptoHasher('sha256', key).update(textOf(config) + files.join('\n')).digest('hex');
}
