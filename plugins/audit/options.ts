// The options of the plugin `audit`.

import { duration, z } from '../../src/plugin.ts';
import { anchors, delivery, judgeLists, sinks } from './delivery/lists.ts';
import { FIELDS } from './fields.ts';

const durability = z.enum(['strict', 'bounded', 'best_effort']);

const count = (preset: number, description: string) =>
  z
    .int()
    .min(1)
    .max(1_000_000)
    .meta({ description, examples: [preset] })
    .prefault(preset);

const checkpoint = z
  .strictObject({
    every: duration(
      '1s',
      { description: 'Longest time without a checkpoint, where there is something new.' },
      10,
    ),
    entries: count(1_000, 'Most entries without a checkpoint.'),
  })
  .prefault({});

const integrity = z
  .strictObject({
    store: z
      .enum(['file', 'memory', 'redis'])
      .meta({
        description:
          'Where it is kept: `file` beside the log; `redis` on another machine; `memory` as long as the process, so that what is done to the log between two runs does not show.',
        examples: ['redis'],
      })
      .prefault('file'),
    url: z
      .string()
      .regex(
        /^(rediss?|valkeys?)(\+(unix|tls))?:\/\//,
        'not the URL of a Redis or Valkey: write redis://host:6379',
      )
      .meta({ description: 'Of the Redis or Valkey.', examples: ['redis://127.0.0.1:6379'] })
      .optional(),
    timeout: duration(
      '1s',
      { description: 'For each look at it and each write to it over the network.' },
      10,
    ),
    every: duration('1s', { description: 'Least time between two writings of it.' }, 10),
  })
  .refine(({ store, url }) => store !== 'redis' || url !== undefined, {
    error: 'has no url: write where the Redis is',
    path: ['url'],
  })
  .prefault({});

const health = z
  .strictObject({
    every: duration('30s', { description: 'How often the end of the log is read again and compared.' }, 100),
    entries: count(1_000, 'How many entries of it.'),
    on_break: z
      .enum(['stop', 'log'])
      .meta({
        description:
          'What a log that is not what was written does to the gateway: `stop` ends it with exit code 10, `log` goes on.',
        examples: ['log'],
      })
      .prefault('stop'),
  })
  .prefault({});

/** Ten years. */
const LONGEST_KEY = 315_360_000_000;

const key = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .meta({
        description:
          'The key that signs: Ed25519 as PKCS #8 in PEM, made where there is none; a relative path begins at the directory of state.',
        examples: ['/run/secrets/audit.key'],
      })
      .prefault('audit.key'),
    rotate: z
      .union(
        [
          z.literal('off'),
          duration('30d', { description: 'After this time.' }, 60_000, LONGEST_KEY).unwrap(),
        ],
        {
          error: ({ errors }) => (errors as { message: string }[][] | undefined)?.at(-1)?.[0]?.message,
        },
      )
      .meta({ description: 'How old a key gets before another one takes over, or `off`.', examples: ['30d'] })
      .prefault('off'),
    renew_before: z.iso
      .datetime({ offset: true, error: 'not a time: write 2027-01-31T00:00:00Z' })
      .meta({
        description:
          'A key that was made before this time is exchanged at once, with the next reload or start.',
        examples: ['2027-01-31T00:00:00Z'],
      })
      .transform((text) => Date.parse(text))
      .optional(),
  })
  .prefault({});

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'gu').global;
  } catch {
    return false;
  }
}

const fields = z.strictObject({
  to: z
    .string()
    .min(1)
    .meta({
      description:
        'The directory of the log; a relative path begins at the directory of state. Default: `audit` there.',
      examples: ['/var/log/sluice/audit'],
    })
    .optional(),
  origin: z
    .string()
    .regex(
      /^[A-Za-z0-9.-]+(?:\/[A-Za-z0-9._-]+)*$/,
      'not an origin: write a name such as gateway.example.com/1',
    )
    .max(128)
    .meta({
      description: 'What the log calls itself, for ever: another one for each replica.',
      examples: ['gateway.example.com/1'],
    })
    .prefault('sluice'),
  level: z
    .literal([0, 1, 2])
    .meta({
      description:
        '0: a chain of hashes. 1: checkpoints signed with a key, too. 2: the tree on disk at each checkpoint, so that others can follow it.',
      examples: [2],
    })
    .prefault(1),
  durability: z
    .union([
      durability,
      z.strictObject({
        calls: durability.meta({ description: 'Of `tools/call`.' }).prefault('strict'),
        others: durability.meta({ description: 'Of every other method.' }).prefault('bounded'),
      }),
    ])
    .meta({
      description:
        '`strict`: nothing leaves, in either direction, before its entry is on disk. `bounded`: entries follow, and when too many wait, calls do. `best_effort`: calls never wait; what is lost is counted, and told in the log.',
      examples: ['bounded'],
    })
    .prefault({}),
  segment: z
    .int()
    .min(65_536)
    .max(1_073_741_824)
    .meta({
      description: 'Bytes after which a new file begins. A start reads the last one.',
      examples: [8_388_608],
    })
    .prefault(8_388_608),
  checkpoint,
  queue: count(10_000, 'Entries that may wait for the disk.'),
  wait: duration('4s', {
    description:
      'How long a call waits for its entry to be on disk (`strict`) or for room among those that wait (`bounded`), until it is refused.',
  }),
  batch: count(256, 'Entries of one write at most.'),
  retry: duration('1s', { description: 'Between two attempts at a disk that failed.' }, 10),
  integrity: integrity.meta({
    description: 'What the log was when it was last written, to be compared at the next start.',
  }),
  health,
  key,
  arguments: z
    .record(z.string(), z.array(z.string().min(1).max(64)).min(1).max(16))
    .meta({
      description:
        'Arguments of tools that are written down as they are, by the name of the tool; of all others there is a digest alone.',
      examples: [{ github__merge: ['repository', 'number'] }],
    })
    .prefault({}),
  fields: z
    .array(z.enum(FIELDS))
    .meta({
      description: 'The fields that are written, beside those that make the log one. Default: all of them.',
      examples: [['principal', 'method', 'name', 'upstream', 'decision', 'status']],
    })
    .optional(),
  redact: z
    .array(z.string().min(1).max(500).refine(isPattern, 'is no regular expression'))
    .max(50)
    .meta({
      description:
        'What else is hidden in texts that clients and servers chose, beside what looks like a credential: regular expressions.',
      examples: [['\\bEMP-\\d+\\b']],
    })
    .prefault([]),
  sinks,
  anchors,
  delivery,
});

export const schema = fields.superRefine(judgeLists);

export type Options = z.output<typeof schema>;
export type Durability = z.output<typeof durability>;

export function durabilityOf({ durability: all }: Options, method: string): Durability {
  if (typeof all === 'string') return all;
  return method === 'tools/call' ? all.calls : all.others;
}
