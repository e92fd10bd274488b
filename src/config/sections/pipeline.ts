// `pipeline:` the ordered plugins. Must not know any plugin: options are checked later by the plugin's own schema.
import { z } from 'zod';
import { duration, fault, globs } from '../fields.ts';

/** Keys of an entry that are not the plugin. */
export const ENTRY_FIELDS = ['id', 'when', 'mode', 'on_error', 'timeout'] as const;

const when = z
  .strictObject({
    methods: globs('MCP methods; `*` stands for any text.', ['tools/*']),
    endpoints: globs('Endpoints, by path.', ['/mcp/ci']),
    upstreams: globs('Upstreams, by name.', ['github']),
    names: globs('Tool or prompt names, or resource URIs; `*` stands for any text.', ['delete_*']),
  })
  .meta({
    description: 'The messages this plugin sees. All that is given must match; without it, every message.',
    examples: [{ methods: ['tools/call'] }],
  });

const options = z.union([z.record(z.string(), z.unknown()), z.null()]).meta({
  description: 'The plugin by its name, or a file that begins with `./`, `../` or `/`; below it its options.',
  examples: [{ every: '100ms' }],
});

const fields = {
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/i, {
      error: fault('VALUE_INVALID', 'not an id', 'use letters, digits, "-" and "_"'),
    })
    .meta({
      description: 'Name of this entry, unique in its pipeline. Default: the name of the plugin.',
      examples: ['per-user'],
    })
    .optional(),
  when: when.optional(),
  mode: z
    .enum(['enforce', 'shadow', 'off'])
    .meta({
      description: '`enforce` acts, `shadow` only reports what it would do, `off` is as if absent.',
      examples: ['shadow'],
    })
    .prefault('enforce'),
  on_error: z
    .enum(['refuse', 'pass'])
    .meta({ description: 'What a failure of the plugin does to the message.', examples: ['pass'] })
    .prefault('refuse'),
  timeout: duration('5s', { description: 'Longest one hook may take.' }),
} as const;

const entry = z
  .object(fields)
  .catchall(options)
  .meta({
    description: 'One plugin: its name as the key, its options below, and these fields beside it.',
    examples: [{ progress: { every: '100ms' }, when: { methods: ['tools/*'] } }],
  });

const shorthand = z.string().meta({ description: 'A plugin without options.', examples: ['progress'] });

export const pipeline = z
  .array(z.union([entry, shorthand]))
  .meta({
    description: 'Plugins in the order they run: top to bottom on the way in, bottom to top on the way back.',
    examples: [['./redact.ts', { progress: { every: '100ms' } }]],
  })
  .prefault([]);

export type When = z.output<typeof when>;
export type Mode = z.output<typeof fields.mode>;
export type OnError = z.output<typeof fields.on_error>;
/** One entry as the schema leaves it; `settle.ts` makes an `Entry` of it. */
export type ParsedEntry = z.output<typeof pipeline>[number];

/** The entry fields with their defaults, for an entry written as a bare name. */
export const bareEntry = (): z.output<typeof entry> => entry.parse({});
