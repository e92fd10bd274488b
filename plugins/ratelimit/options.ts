// The options of `ratelimit`: one limit as a short form, or several with names, and where they are counted. Which fields
// of a limit go together: rules.ts.

import { duration, suggest, z } from '../../src/plugin.ts';
import {
  BYTES_PATTERN,
  PER_PATTERN,
  PERCENT_PATTERN,
  readBytes,
  readPer,
  readPercent,
  readTime,
  TIME_PATTERN,
} from './amounts.ts';
import { readExpression } from './expression.ts';
import { problemsOf } from './rules.ts';
import { storeSchema } from './stores.ts';

/** What a limit may be counted by. */
export const DIMENSIONS = [
  'principal',
  'tenant',
  'upstream',
  'tool',
  'client',
  'address',
  'endpoint',
  'all',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export function isDimension(text: string): text is Dimension {
  return (DIMENSIONS as readonly string[]).includes(text);
}

interface About {
  readonly description: string;
  readonly examples: readonly string[];
}

const written = <T>(read: (text: string) => T | undefined, pattern: string, wrong: string, about: About) =>
  z
    .string({ error: wrong })
    .meta({ pattern, ...about, examples: [...about.examples] })
    .refine((text) => read(text) !== undefined, { error: wrong })
    .transform((text) => read(text) as T);

const per = (examples: string[], description: string) =>
  written(readPer, PER_PATTERN, 'not an amount per time: write 60/m, 10/s or 1000/day', {
    description,
    examples,
  });

const expression = (purpose: Parameters<typeof readExpression>[1]) =>
  z.string().superRefine((text, context) => {
    const read = readExpression(text, purpose);
    if (typeof read === 'string') context.addIssue({ code: 'custom', message: read, input: text });
  });

const by = z.string().superRefine((text, context) => {
  const read = isDimension(text) ? undefined : readExpression(text, 'key');
  if (typeof read !== 'string') return;
  const near = suggest(text, DIMENSIONS);
  const hint = near ? `did you mean "${near}"?` : `known are ${DIMENSIONS.join(', ')}, and expressions`;
  context.addIssue({ code: 'custom', message: `${read} (${hint})`, input: text });
});

const amount = z.number().min(0).max(1e9);
const globs = z.array(z.string()).min(1);

const when = z
  .strictObject({
    methods: globs.meta({ description: 'MCP methods; `*` stands for any text.' }).optional(),
    tools: globs
      .meta({ description: 'Tools, as clients name them or as `UPSTREAM/NAME`; `*` stands for any text.' })
      .optional(),
    upstreams: globs.meta({ description: 'Upstreams.' }).optional(),
  })
  .meta({ description: 'What the limit is about: all that is given must match. Default: every call.' });

const cost = z.union([amount, z.record(z.string(), amount), expression('cost')]).meta({
  description: 'What a call takes of the limit: a number, a table by tool, or an expression (CEL).',
  examples: [1, { 'search_*': 5 }, 'size(args.ids)'],
  default: 1,
});

const costAfter = z
  .union([
    z.strictObject({
      bytes: written(readBytes, BYTES_PATTERN, 'not a size: write 10KiB', {
        description: 'One more for each of these of the result.',
        examples: ['10KiB'],
      }).optional(),
      duration: written(readTime, TIME_PATTERN, 'not a duration: write 500ms or 1s', {
        description: 'One more for each of these that the call took.',
        examples: ['1s'],
      }).optional(),
    }),
    expression('after'),
  ])
  .meta({
    description:
      'What it has cost in the end: one more for so many bytes of the result or so much time, or an expression (CEL) in the place of `cost`.',
    examples: [{ bytes: '10KiB' }, 'cost + double(result_bytes) / 1024.0'],
  });

const queue = z
  .strictObject({
    length: z
      .int()
      .min(1)
      .max(1e5)
      .meta({ description: 'Calls that wait, for each key.', examples: [100] })
      .prefault(100),
    timeout: duration('10s', { description: 'Longest wait.' }, 1),
  })
  .meta({ description: 'Calls beyond `concurrency` wait. Without it they are refused at once.' });

/** Of one limit. */
const fields = {
  rate: per(['60/m'], 'So many in a time, evenly: what is used comes back little by little.').optional(),
  burst: z
    .int()
    .min(1)
    .max(1e9)
    .meta({
      description: 'How many of `rate` at once. Default: as many as it has in its time.',
      examples: [20],
    })
    .optional(),
  quota: per(
    ['1000/day'],
    'So many in each hour, day or week of the calendar (UTC): all are there again when the next one begins.',
  ).optional(),
  concurrency: z
    .int()
    .min(1)
    .max(1e6)
    .meta({ description: 'So many at once.', examples: [4] })
    .optional(),
  of: z
    .enum(['calls', 'streams', 'sessions'])
    .meta({
      description:
        'What `concurrency` is about: calls that are not answered yet, streams that stand open, or sessions, with the processes that are started for each.',
      default: 'calls',
    })
    .optional(),
  per: z
    .union([by, z.array(by).min(1).max(4)])
    .meta({
      description:
        'What has a limit of its own: `principal`, `tenant`, `upstream`, `tool`, `client`, `address`, `endpoint`, `all` (one for all together), an expression (CEL), or a list of them.',
      examples: ['principal', ['tenant', 'tool']],
      default: 'principal',
    })
    .optional(),
  when: when.optional(),
  cost: cost.optional(),
  cost_after: costAfter.optional(),
  count: z
    .enum(['all', 'failures'])
    .meta({
      description: 'With `per: address`: all requests, or only those whose caller was not let in.',
      default: 'all',
    })
    .optional(),
  fail: z
    .enum(['local', 'open', 'closed'])
    .meta({
      description: 'What becomes of calls while the store cannot be reached. Default: that of `store`.',
    })
    .optional(),
  queue: queue.optional(),
  share: written(readPercent, PERCENT_PATTERN, 'not a share: write 50%', {
    description: 'Most of `concurrency` that one tenant has at once; where there are none, one principal.',
    examples: ['50%'],
  }).optional(),
  shadow: z
    .boolean()
    .meta({ description: 'Counts and reports, and refuses nobody.', default: false })
    .optional(),
} as const;

const limit = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,31}$/i, {
      error: 'not a name: use up to 32 letters, digits, "-" and "_"',
    })
    .meta({
      description: 'Its name in headers, errors, figures and `sluice limits`. A reload goes on by it.',
      examples: ['calls'],
    }),
  ...fields,
});
export type LimitOptions = z.output<typeof limit>;

/** The name of the short form's limit. */
const SHORT = 'calls';

export const schema = z
  .strictObject({
    ...fields,
    limits: z
      .array(limit)
      .min(1)
      .max(32)
      .meta({ description: 'Several limits with names. A call takes of all that are about it, or of none.' })
      .optional(),
    store: storeSchema,
    status: z
      .union([z.literal(200), z.literal(429)])
      .meta({
        description:
          'HTTP status of a call that is refused. With 200 the error is in the answer, where models read it; of a 429 many clients show no more than the number.',
        examples: [429],
      })
      .prefault(200),
  })
  .superRefine((given, context) => {
    for (const { path, message } of problemsOf(given))
      context.addIssue({ code: 'custom', path: [...path], message, input: given });
  })
  .transform(({ limits, store, status, ...short }) => ({
    limits: limits ?? [{ name: SHORT, ...short }],
    store,
    status,
  }));
