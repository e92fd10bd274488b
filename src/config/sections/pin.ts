// `upstreams.NAME.pin:` what becomes of tools whose definition is not the approved one. Knows nothing of definitions.
import { z } from 'zod';
import { camel, duration } from '../fields.ts';

const choice = (description: string, preset: 'block' | 'warn' | 'allow') =>
  z
    .enum(['block', 'warn', 'allow'])
    .meta({ description, examples: ['block'] })
    .prefault(preset);

export const pin = camel(
  z.strictObject({
    on_drift: choice(
      'What becomes of a tool whose name, description, schemas or annotations differ from those approved: `block` hides it and refuses its calls until the new definition is approved, `warn` says so in log, metrics and `sluice pins`, `allow` approves it.',
      'warn',
    ),
    on_new: choice(
      'The same for a tool seen for the first time, once any tool of the upstream is approved.',
      'allow',
    ),
    recheck: duration(
      '1m',
      {
        description:
          'How old the last look at the list may be when a tool is called. Counts where something is blocked.',
      },
      0,
    ),
  }),
)
  .meta({
    description: 'Whether the definitions of its tools may change.',
    examples: [{ on_drift: 'block' }],
  })
  .prefault({});

export type ParsedPin = z.output<typeof pin>;
