// `cache:` of an upstream: what is kept of its results. Must not know how a result is kept or found.
import { z } from 'zod';
import { camel, duration } from '../fields.ts';

const kept = camel(
  z.strictObject({
    lists: duration(
      '0s',
      {
        description:
          'How long lists are kept at least. A server of 2025 cannot say how long its own are good for, nor for whom: those are kept for each caller.',
        examples: ['30s'],
      },
      0,
    ),
    reads: duration('0s', { description: 'The same for resources that are read.', examples: ['5s'] }, 0),
    stale_if_error: duration(
      '1m',
      {
        description:
          'How long after its time a kept result is given all the same where the upstream cannot be reached or does not answer. `0s`: never.',
      },
      0,
    ),
  }),
);

export const cache = z
  .union([z.enum(['off']), kept])
  .meta({
    description:
      'Lists and resources are kept as long as their upstream says (`ttlMs`, `cacheScope`), and the same request made by several at once reaches it once. `off`: every request reaches the upstream.',
    examples: ['off', { lists: '30s' }],
  })
  .prefault({});

export type Cache = z.output<typeof cache>;
