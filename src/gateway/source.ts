// An upstream as the routers of a generation have it: behind its pipeline, and known by what it was made from.

import { textOf } from '../config/same.ts';
import type { Upstream as UpstreamConfig } from '../config/schema.ts';
import type { Handler } from '../core/handler.ts';
import type { Source } from '../router/source.ts';
import { isFetchable, wrappedSource, wrapperOf } from '../router/wrapped.ts';
import { NOTHING } from './live-upstreams.ts';
import type { SetUp } from './steps.ts';

export interface SourceParts {
  readonly config: UpstreamConfig;
  readonly steps: readonly SetUp[];
  /** Its pipeline, and all behind that. */
  readonly handle: Handler;
  readonly hello: Source['hello'];
  readonly pages: Source['pages'];
  /** Of this gateway: a digest without one could be guessed at. */
  readonly key: Uint8Array;
}

export function sourceOf({ config, steps, key, ...parts }: SourceParts): Source {
  const { name, uris, owns } = config;
  const isPlain = steps.length === 0;
  const senders = steps.filter(({ hooks }) => hooks.onSend).map(({ hooks: { passesOn } }) => ({ passesOn }));
  const source = { name, entry: entryOf(config, steps, key), isPlain, senders, ...parts };
  if (uris === 'keep') return { ...source, claims: owns };
  return wrappedSource({ ...source, claims: [wrapperOf(name), ...owns.filter(isFetchable)] });
}

/**
 * The same as long as the configuration of what it lists is; what is offered of that is none of it. Tells nothing of
 * what it was made from, secrets included.
 */
function entryOf(config: UpstreamConfig, steps: readonly SetUp[], key: Uint8Array): string {
  const files = steps.map(({ file }) => file?.digest ?? '');
  return new Bun.CryptoHasher('sha256', key)
    .update(textOf({ ...config, offer: NOTHING, owns: [] }) + files.join('\n'))
    .digest('hex');
}
