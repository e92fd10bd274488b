// Building blocks of the schema: durations, sizes, names and the way a field states its own error.
// Knows no section of gateway.yaml.
import { z } from 'zod';
import { DURATION_PATTERN, formatDuration, parseDuration } from '../lib/duration.ts';
import { parseSize, SIZE_PATTERN } from '../lib/size.ts';
import type { Code } from './codes.ts';

/** What the reference page and the editor show of a field. */
export interface About {
  readonly description: string;
  readonly examples?: readonly unknown[];
}

/** The longest wait a timer of the runtime can hold: 2^31 - 1 ms. */
const LONGEST = 2_147_483_647;

/**
 * A message that carries its own code and hint through zod, whose issues have room for text alone.
 * `issues.ts` takes it apart again.
 */
export function fault(code: Code, message: string, hint = ''): string {
  return `${code}\n${message}\n${hint}`;
}

/** Adds a fault to a zod transform and gives the value that stands for "there is none". */
export function refuse(context: z.RefinementCtx, code: Code, message: string, hint?: string): never {
  context.addIssue({ code: 'custom', message: fault(code, message, hint) });
  return z.NEVER;
}

/** A duration with a unit. Input: `30s`; output: milliseconds between `min` (default 1) and 24 days. */
export function duration(preset: string, about: About, min = 1) {
  const wrong = (input: unknown): string =>
    typeof input === 'number'
      ? fault('DURATION_INVALID', `${input} has no unit`, `write ${input}ms or ${input}s`)
      : fault(
          'DURATION_INVALID',
          'not a duration',
          'write a number with ms, s, m, h or d, such as 250ms or 30s',
        );
  return z
    .string({ error: (issue) => wrong(issue.input) })
    .meta({ pattern: DURATION_PATTERN, ...about, examples: [...(about.examples ?? [preset])] })
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms === undefined) {
        return refuse(context, ...unpack(wrong(/^\d+(\.\d+)?$/.test(text) ? Number(text) : text)));
      }
      if (ms < min) return refuse(context, 'DURATION_INVALID', `must be at least ${formatDuration(min)}`);
      if (ms > LONGEST) return refuse(context, 'DURATION_INVALID', 'must be at most 24d');
      return ms;
    })
    .prefault(preset);
}

/** A size with a unit. Input: `4MiB`; output: bytes, at least 1. */
export function size(preset: string, about: About) {
  const wrong = (input: unknown): string =>
    typeof input === 'number'
      ? fault('SIZE_INVALID', `${input} has no unit`, `write ${input}B, or use KiB or MiB`)
      : fault('SIZE_INVALID', 'not a size', 'write a number with B, KiB, MiB or GiB, such as 4MiB');
  return z
    .string({ error: (issue) => wrong(issue.input) })
    .meta({ pattern: SIZE_PATTERN, ...about, examples: [...(about.examples ?? [preset])] })
    .transform((text, context) => {
      const bytes = parseSize(text);
      if (bytes === undefined) {
        return refuse(context, ...unpack(wrong(/^\d+(\.\d+)?$/.test(text) ? Number(text) : text)));
      }
      if (bytes < 1) return refuse(context, 'SIZE_INVALID', 'must be at least 1B');
      return bytes;
    })
    .prefault(preset);
}

/** A whole number of things, at least `min` (default 1). */
export function count(preset: number, about: About, min = 1) {
  return z
    .int()
    .min(min)
    .meta({ ...about, examples: [...(about.examples ?? [preset])] })
    .prefault(preset);
}

/** Patterns in which `*` stands for any text; left out, they match everything. */
export function globs(description: string, examples: readonly string[]) {
  return z
    .array(z.string().min(1, { error: fault('VALUE_INVALID', 'an empty pattern matches nothing') }))
    .min(1, {
      error: fault(
        'VALUE_INVALID',
        'an empty list matches nothing',
        'leave the field out to match everything',
      ),
    })
    .meta({ description, examples: [[...examples]] })
    .optional();
}

/** Takes a fault apart: its code, message and hint. */
export function unpack(text: string): [code: Code, message: string, hint: string] {
  const [code, message, hint] = text.split('\n');
  return [code as Code, message ?? '', hint ?? ''];
}

type Camel<Key> = Key extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : Key;
type CamelKeys<Section> = { [Key in keyof Section as Camel<Key>]: Section[Key] };

/** A section whose two-word keys are snake_case in the file and camelCase in the program. */
export function camel<Shape extends z.ZodObject>(section: Shape) {
  return section.transform((value) => {
    const renamed = Object.entries(value).map(([key, held]) => [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      held,
    ]);
    return Object.fromEntries(renamed) as CamelKeys<z.output<Shape>>;
  });
}

/** A section that may be written as a bare key: `stdio:` with nothing after it is `stdio: {}`. */
export function bareKey<Section extends z.ZodType>(section: Section) {
  return section
    .nullable()
    .transform(
      (value): z.output<Section> => (value === null ? section.parse({}) : value) as z.output<Section>,
    );
}
