// Where an entry counts: which store its options mean, opened once and kept over reloads.

import { isAbsolute, join } from 'node:path';
import { duration, type PluginHost, z } from '../../src/plugin.ts';
import { keepStore } from './open.ts';
import type { Store } from './store.ts';

const settings = {
  fail: z
    .enum(['local', 'open', 'closed'])
    .meta({
      description:
        'What becomes of calls while it cannot be reached: `local` counts here, `open` lets pass, `closed` refuses.',
    })
    .prefault('local'),
  replicas: z
    .int()
    .min(1)
    .max(1_000)
    .meta({
      description: 'How many gateways count there: with `fail: local` each has that part of the limits.',
      examples: [3],
    })
    .prefault(1),
  keys: z
    .int()
    .min(1)
    .max(10_000_000)
    .meta({ description: 'How many keys are remembered in memory.', examples: [100_000] })
    .prefault(100_000),
};

const sqlite = z.strictObject({
  sqlite: z
    .string()
    .min(1)
    .meta({
      description: 'A file, in the state directory unless its path begins with `/`.',
      examples: ['ratelimit.db'],
    }),
  deadline: duration(
    '250ms',
    { description: 'How long another process that writes is waited for.' },
    1,
    5_000,
  ),
  ...settings,
});

const redis = z.strictObject({
  redis: z
    .string()
    .regex(/^(?:redis|rediss|redis\+unix|valkey|valkeys):\/\/.+/, {
      error: 'not the URL of a Redis or Valkey: write redis://, rediss:// or redis+unix://',
    })
    .meta({
      description: 'URL of a Redis or Valkey, user and password in it.',
      examples: ['rediss://cache.example.com:6379'],
    }),
  ca: z
    .string()
    .meta({
      description: 'PEM of authorities that vouch for it.',
    })
    .optional(),
  prefix: z
    .string()
    .max(64)
    .meta({
      description: 'In front of every key. Gateways that share limits share it.',
      examples: ['sluice:'],
    })
    .prefault('sluice:'),
  deadline: duration('50ms', { description: 'How long one answer may take.' }, 1, 5_000),
  ...settings,
});

const memory = z.strictObject({ memory: z.literal(true), keys: settings.keys });

export const storeSchema = z
  .union([z.enum(['memory', 'sqlite']), memory, sqlite, redis])
  .meta({
    description:
      'Where it is counted: `memory`, `sqlite` (survives a restart), or `{ redis: URL }` (several gateways together).',
    examples: [{ redis: 'rediss://cache.example.com:6379' }],
  })
  .prefault('memory');

type Host = Parameters<typeof keepStore>[0] & Pick<PluginHost, 'stateDir'>;

const FILE = 'ratelimit.db';

/**
 * The store of an entry: the same one over reloads, as long as it is in the same place.
 * @throws Error where there is no place for its file
 */
export function storeOf(options: z.output<typeof storeSchema>, host: Host): Store {
  if (options === 'memory') return storeOf(memory.parse({ memory: true }), host);
  if (options === 'sqlite') return storeOf(sqlite.parse({ sqlite: FILE }), host);
  if ('memory' in options) return keepStore(host, { kind: 'memory', keys: options.keys });
  if ('redis' in options) {
    const { redis: url, ...rest } = options;
    return keepStore(host, { kind: 'redis', url, ...rest });
  }
  const { sqlite: file, ...rest } = options;
  if (!isAbsolute(file) && host.stateDir === undefined)
    throw new Error(
      'there is no state directory for the file of its store: write a path that begins with "/"',
    );
  return keepStore(host, {
    kind: 'sqlite',
    path: isAbsolute(file) ? file : join(host.stateDir ?? '', file),
    ...rest,
  });
}
