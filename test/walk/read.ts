// A walk as its file has it. What is misspelt is an error, and numbers keep the digits they are written with.
import { isScalar, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { isAmong, type Leg, legs, type Some } from './leg.ts';
import { type Step, toStep, verbNames } from './steps.ts';

const era = z.union([z.literal(2025), z.literal(2026)]).transform((year) => String(year) as '2025' | '2026');
const transport = z.enum(['http', 'stdio', 'sse']);
const some = z.strictObject({
  client: era.optional(),
  over: transport.optional(),
  upstream: era.optional(),
  via: transport.optional(),
});
const but = z.strictObject({ ...some.shape, because: z.string().min(10) });
const object = z.record(z.string(), z.unknown());

const step = z.record(z.string(), z.unknown()).transform((fields, context) => {
  const { call, when, ...rest } = fields;
  const [verb = '', ...others] = Object.keys(rest);
  const parsed = some.optional().safeParse(when);
  const wrong =
    others.length > 0
      ? `one of ${[verb, ...others].join(', ')} is too many`
      : parsed.success
        ? undefined
        : String(parsed.error);
  const made = wrong ?? toStep(verb, rest[verb], call === undefined ? 'call' : String(call), parsed.data);
  if (typeof made !== 'string') return made;
  context.addIssue({ code: 'custom', message: `${verb}: ${made} (${verbNames.join(', ')})` });
  return z.NEVER;
});

const walk = z.strictObject({
  name: z.string(),
  /** Legs this says nothing about. */
  not: z.array(but).default([]),
  /** Legs where the gateway does not do it yet: one that starts to pass fails the test. */
  failing: z.array(but).default([]),
  /** What the client declares. */
  capabilities: object.default({}),
  /** What the server offers. */
  offers: object.default({
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
    completions: {},
    logging: {},
  }),
  instructions: z.string().optional(),
  /** Tools the server lists where no step says so. */
  tools: z.array(object).default([]),
  /** Revisions that clients of 2025 ask for, one walk for each. */
  revisions: z.array(z.string()).default(['2025-11-25']),
  /** Members of the gateway's configuration. */
  config: object.default({}),
  /** Whether another call goes through at the end. */
  fence: z.boolean().default(true),
  steps: z.array(step).min(1),
});

export type Walk = Omit<z.infer<typeof walk>, 'steps'> & { readonly steps: readonly Step[] };

/** @throws Error that names what is wrong with the text */
export function readWalk(file: string, text: string): Walk {
  const document = parseDocument(text, { uniqueKeys: true });
  for (const error of document.errors) throw new Error(`${file}: ${error.message}`);
  visit(document, (_key, node) => {
    if (!isScalar(node) || typeof node.value !== 'number' || node.source === undefined) return;
    if (node.source !== String(node.value)) node.value = rawJSON(node.source);
  });
  const read = walk.safeParse(document.toJS());
  if (!read.success) throw new Error(`${file}: ${z.prettifyError(read.error)}`);
  return read.data;
}

/** A number that is written as it stands. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

export function legsOf(all: Walk): { leg: Leg; revision: string; failing: string | undefined }[] {
  return legs
    .filter((leg) => !all.not.some((each) => agrees(leg, each)))
    .flatMap((leg) => {
      const failing = all.failing.find((each) => agrees(leg, each))?.because;
      const revisions = leg.client === '2025' ? all.revisions : all.revisions.slice(0, 1);
      return revisions.map((revision) => ({ leg, revision, failing }));
    });
}

function agrees(leg: Leg, { because: _, ...rest }: Some & { readonly because: string }): boolean {
  return isAmong(leg, rest);
}
