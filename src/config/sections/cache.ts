// `cache:` of an upstream: what is kept of its results. Must not know how a result is kept or found.
import { z } from 'zod';
import { camel, duration, fault } from '../fields.ts';

const tools = z
  .strictObject({
    for: duration('1m', { description: 'How long.' }),
    names: z
      .array(z.string().min(1))
      .min(1, { error: fault('VALUE_INVALID', 'no tool', "name at least one, or '*' for all") })
      .meta({
        description: 'Which tools, as the upstream calls them; `*` stands for any part of a name.',
        examples: [['search_*', 'get_page']],
      }),
  })
  .meta({
    description:
      'Results of tools, kept for the caller they were given to: the same call of it is answered with one. Only of tools named here that the upstream lists with `readOnlyHint: true` and `idempotentHint: true`. Off unless set.',
    examples: [{ for: '1m', names: ['search_*'] }],
  });

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
    tools: tools.optional(),
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
