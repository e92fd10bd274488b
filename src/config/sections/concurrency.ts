// `upstreams.NAME.concurrency:` how many calls an upstream works on at once, and how many wait for that.
import { z } from 'zod';
import { count, duration } from '../fields.ts';

export const concurrency = z
  .strictObject({
    max: count(1_024, {
      description:
        'Most calls at work there at once. Subscriptions do not count, nor do calls that wait for their client; one that goes on with its answers does, and never waits.',
    }),
    queue: count(
      256,
      { description: 'Most calls beyond that which wait for a place, first come, first served.' },
      0,
    ),
    wait: duration('10s', { description: 'Longest wait for a place. Then, and beyond `queue`: `BUSY`.' }),
  })
  .meta({
    description: 'How many calls go to it at once.',
    examples: [{ max: 4, queue: 16, wait: '2s' }],
  })
  .prefault({});

export type Concurrency = z.output<typeof concurrency>;
