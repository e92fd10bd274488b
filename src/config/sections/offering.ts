// What upstreams and endpoints offer, and under which names: the fields of `upstreams.X` and `endpoints.X` that say so.
// Must not know how names are made.
import { z } from 'zod';
import { nameTemplate } from '../../lib/name-template.ts';
import { fault, globs } from '../fields.ts';

const TEMPLATE = /^[A-Za-z0-9_.-]*\{(?:upstream|tool)\}[A-Za-z0-9_.-]+\{(?:upstream|tool)\}[A-Za-z0-9_.-]*$/;
const NAMES = ['auto', 'prefix', 'none'];
const NAMES_HINT = 'write auto, prefix, none, or a template such as "{upstream}__{tool}"';

export const names = z
  .string({ error: fault('VALUE_INVALID', 'not a way to make names', NAMES_HINT) })
  .refine((text) => NAMES.includes(text) || (TEMPLATE.test(text) && nameTemplate(text) !== undefined), {
    error: fault('VALUE_INVALID', 'not a way to make names', NAMES_HINT),
  })
  .meta({
    description:
      'How tools and prompts are called: `prefix` is `{upstream}__{tool}`, `none` leaves names alone, `auto` is `none` for one upstream and `prefix` for several. A template of your own has both parts and something between them.',
    examples: ['prefix', '{tool}-{upstream}'],
  })
  .prefault('auto');

export const shortNames = z
  .enum(['auto', 'on', 'off'])
  .meta({
    description:
      'What becomes of a name that some clients do not take, beyond `^[A-Za-z0-9_-]{1,58}$`: `on` gives it a short form that never changes, `off` leaves it, `auto` is `off` where `names` is `none`.',
    examples: ['on'],
  })
  .prefault('auto');

const alias = z.string().regex(/^[A-Za-z0-9_-]{1,58}$/, {
  error: fault(
    'ENDPOINT_ALIAS',
    'not a name that every client takes',
    'use at most 58 letters, digits, "_" and "-"',
  ),
});

export const aliases = z
  .record(
    alias,
    z.string().regex(/^[^/]+\/./s, {
      error: fault(
        'ENDPOINT_ALIAS',
        'not a tool of an upstream',
        'write upstream/tool, with the name the upstream has for it',
      ),
    }),
  )
  .meta({
    description:
      'Names for single tools: the name, then `upstream/tool` with the upstream’s own name for it. The tool has no other name on this endpoint.',
    examples: [{ search: 'github/search_code' }],
  })
  .prefault({});

export const collisions = z
  .enum(['first', 'refuse', 'prefix'])
  .meta({
    description:
      'When two upstreams have a tool, or prompt, of one name: `first` offers that of the upstream named first, `refuse` neither, `prefix` gives the later one its upstream’s name in front. Each is logged.',
    examples: ['refuse'],
  })
  .prefault('first');

export const maxTools = z
  .int()
  .min(1)
  .meta({
    description:
      'Most tools that one client is offered. Of more, the first ones are, and an error is logged. Default: no limit.',
    examples: [100],
  })
  .optional();

/** What is allowed and denied of one kind. */
const rules = (description: string, allow: readonly string[], deny: readonly string[]) =>
  z
    .strictObject({
      allow: globs('Only what matches one of these is there; `*` stands for any text.', allow),
      deny: globs('What matches one of these is not, even if allowed.', deny),
    })
    .meta({ description, examples: [{ allow: [...allow] }, { deny: [...deny] }] })
    .optional();

const whole = 'by the names that clients see, before any is made short';
const own = 'by the upstream’s own names';
const byUri = 'by URI; templates by their text';

export const endpointRules = {
  tools: rules(`Tools that are there, ${whole}.`, ['github__get_*'], ['*delete*']),
  prompts: rules(`Prompts that are there, ${whole}.`, ['github__*'], ['*_internal']),
  resources: rules(`Resources that are there, ${byUri}.`, ['file:///docs/*'], ['*/secret/*']),
};

export const upstreamRules = {
  tools: rules(`Tools that are there on every endpoint, ${own}.`, ['get_*', 'list_*'], ['*delete*']),
  prompts: rules(`Prompts that are there on every endpoint, ${own}.`, ['review'], ['*_internal']),
  resources: rules(
    `Resources that are there on every endpoint, ${byUri}.`,
    ['file:///docs/*'],
    ['*/secret/*'],
  ),
};

const callers = z.strictObject({
  principals: globs('Who calls, by id.', ['*@example.com']),
  tenants: globs('The tenant of who calls.', ['acme']),
  groups: globs('Groups of who calls; one is enough.', ['ops']),
  scopes: z
    .array(z.string().min(1))
    .min(1)
    .meta({ description: 'Scopes of who calls; all of them are needed.', examples: [['tools:write']] })
    .optional(),
});

const view = z.strictObject({
  for: callers
    .meta({
      description: 'Whose view it is: all that is given must match. Without it, everybody’s.',
      examples: [{ groups: ['ops'] }],
    })
    .optional(),
  ...endpointRules,
});

export const views = z
  .array(view)
  .min(1, {
    error: fault('VALUE_INVALID', 'an empty list hides everything', 'leave the field out to hide nothing'),
  })
  .meta({
    description:
      'What some callers see of this endpoint, and others do not: the first view that is for the caller. A caller that none is for sees nothing. What is not seen cannot be called, read, completed or watched either, and is answered like something unknown.',
    examples: [[{ for: { groups: ['ops'] } }, { tools: { allow: ['*__get_*'] } }]],
  })
  .optional();

const override = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/, {
      error: fault(
        'OVERRIDE_NAME',
        'not a name of a tool',
        'use at most 128 letters, digits, "_", "-" and "."',
      ),
    })
    .meta({ description: 'Another name, to which an endpoint adds its prefix.', examples: ['find_code'] })
    .optional(),
  title: z
    .string()
    .meta({ description: 'Another title.', examples: ['Find code'] })
    .optional(),
  description: z
    .string()
    .meta({ description: 'Another description.', examples: ['Searches our own repositories.'] })
    .optional(),
  arguments: z
    .record(z.string(), z.unknown())
    .meta({
      description:
        'Values of arguments. Clients are not told of these arguments, and a call that gives one another value is refused.',
      examples: [{ repo: 'acme/main' }],
    })
    .optional(),
});

export const overrides = z
  .record(z.string().min(1), override)
  .meta({
    description: 'Single tools changed, by the upstream’s own name, on every endpoint.',
    examples: [{ search_code: { name: 'find_code', arguments: { repo: 'acme/main' } } }],
  })
  .prefault({});

export type ParsedRules = z.output<(typeof endpointRules)['tools']>;
export type ParsedView = z.output<typeof view>;
export type ParsedOverride = z.output<typeof override>;
