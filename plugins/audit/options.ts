// The options of the plugin `audit`.

import { duration, z } from '../../src/plugin.ts';

const durability = z.enum(['strict', 'bounded', 'best_effort']);

const count = (preset: number, description: string) =>
  z
    .int()
    .min(1)
    .max(1_000_000)
    .meta({ description, examples: [preset] })
    .prefault(preset);

export const schema = z.strictObject({
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
    .union([z.literal(0), z.literal(1), z.literal(2)])
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
    .meta({ description: 'Bytes after which a new file begins.', examples: [16_777_216] })
    .prefault(16_777_216),
  checkpoint: z
    .strictObject({
      every: duration(
        '1s',
        { description: 'Longest time without a checkpoint, where there is something new.' },
        10,
      ),
      entries: count(1_000, 'Most entries without a checkpoint.'),
    })
    .prefault({}),
  queue: count(10_000, 'Entries that may wait for the disk.'),
  batch: count(256, 'Entries of one write at most.'),
  retry: duration('1s', { description: 'Between two attempts at a disk that failed.' }, 10),
  health: z
    .strictObject({
      every: duration(
        '30s',
        { description: 'How often the end of the log is read again and compared.' },
        100,
      ),
      entries: count(1_000, 'How many entries of it.'),
      on_break: z
        .enum(['stop', 'log'])
        .meta({
          description: 'What a log that is not what was written does to the gateway.',
          examples: ['log'],
        })
        .prefault('stop'),
    })
    .prefault({}),
  arguments: z
    .record(z.string(), z.array(z.string().min(1)).min(1))
    .meta({
      description:
        'Arguments of tools that are written down as they are, by the name of the tool; of all others there is a digest alone.',
      examples: [{ github__merge: ['repository', 'number'] }],
    })
    .prefault({}),
});

export type Options = z.output<typeof schema>;
export type Durability = z.output<typeof durability>;

export function durabilityOf({ durability: all }: Options, method: string): Durability {
  if (typeof all === 'string') return all;
  return method === 'tools/call' ? all.calls : all.others;
}
