// `upstreams.NAME.retry:` when a request is sent once more.
import { z } from 'zod';
import { camel, count, duration } from '../fields.ts';

export const retry = camel(
  z.strictObject({
    max: count(2, { description: 'Most tries after the first; 0 for none.' }, 0),
    backoff: duration(
      '50ms',
      {
        description:
          'Longest wait before the second try, twice as long before each further one. A random part of it is waited for.',
      },
      0,
    ),
    max_backoff: duration('1s', { description: 'The longest it gets.' }, 0),
    retry_after: duration(
      '2s',
      {
        description:
          'Longest wait that `Retry-After` of the server may ask for; one that asks for more is not tried again.',
      },
      0,
    ),
    budget: count(
      20,
      { description: 'Most retries, in percent of the requests to it in the last ten seconds.' },
      0,
    ),
    floor: count(1, { description: 'So many in a second are allowed however few requests there are.' }, 0),
    tools: z
      .enum(['never', 'idempotent'])
      .meta({
        description:
          'Which calls of tools are sent again: `idempotent` those of tools that are listed with `idempotentHint`, and with `readOnlyHint` or without `destructiveHint`. They may then run twice.',
        examples: ['idempotent'],
      })
      .prefault('never'),
  }),
)
  .meta({
    description:
      'When a request that only reads is sent once more: lists, `resources/read`, `prompts/get`, `completion/complete`, looks at tasks. Only where nothing of an answer has come.',
    examples: [{ max: 1, backoff: '200ms' }],
  })
  .prefault({});

export type Retry = z.output<typeof retry>;
