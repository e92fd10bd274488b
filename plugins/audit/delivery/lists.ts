// The options `sinks` and `anchors` of the plugin `audit`.

import { duration, z } from '../../../src/plugin.ts';
import { fileSchema } from '../anchors/file.ts';
import { timestampSchema } from '../anchors/timestamp.ts';
import { witnessSchema } from '../anchors/witness.ts';
import { otlpSchema } from '../sinks/otlp.ts';
import { syslogSchema } from '../sinks/syslog.ts';
import { webhookSchema } from '../sinks/webhook.ts';

const sink = z.discriminatedUnion('kind', [syslogSchema, otlpSchema, webhookSchema]);
const anchor = z.discriminatedUnion('kind', [fileSchema, witnessSchema, timestampSchema]);

export type Sink = z.output<typeof sink>;
export type Anchor = z.output<typeof anchor>;

export const sinks = z
  .array(sink)
  .max(16)
  .meta({ description: 'Where entries go beside the log: `syslog`, `otlp`, `webhook`.' })
  .prefault([]);

export const anchors = z
  .array(anchor)
  .max(16)
  .meta({
    description: 'Who is told how far the log is: a `file` elsewhere, a `witness`, a `timestamp` authority.',
  })
  .prefault([]);

export const delivery = z
  .strictObject({
    memory: z
      .int()
      .min(1)
      .max(100_000)
      .meta({
        description:
          'Newest entries that are kept in memory for all sinks; older ones are read from the log.',
        examples: [1_000],
      })
      .prefault(1_000),
    drain: duration('2s', {
      description: 'How long the end of the gateway waits for what is on its way to sinks and anchors.',
    }),
  })
  .prefault({});

/** What a sink or anchor is called. */
export const nameOf = ({ name, kind }: Sink | Anchor): string => name ?? kind;

interface Lists {
  readonly level: number;
  readonly sinks: readonly Sink[];
  readonly anchors: readonly Anchor[];
}

/** What one sink or anchor alone cannot know. */
export function judgeLists({ level, sinks, anchors }: Lists, context: z.core.$RefinementCtx<unknown>): void {
  const issue = (path: (string | number)[], message: string): void =>
    context.addIssue({ code: 'custom', path, message, input: undefined });
  const seen = new Set<string>();
  const places = [
    ...sinks.map((each, at) => ['sinks', at, each] as const),
    ...anchors.map((each, at) => ['anchors', at, each] as const),
  ];
  for (const [list, at, each] of places) {
    const name = nameOf(each);
    if (seen.has(name)) issue([list, at], `another one is called "${name}": give it a \`name\``);
    seen.add(name);
  }
  for (const [at, { kind }] of anchors.entries()) {
    const least = kind === 'timestamp' ? 1 : 2;
    if (level < least)
      issue(['anchors', at, 'kind'], `needs \`level: ${least}\`, as there is nothing to anchor below`);
  }
}
