// The words of walks: each is one thing that one of the two peers does, or must find.
import type { z } from 'zod';
import { clientVerbs } from './client-verbs.ts';
import type { Some } from './leg.ts';
import { questionVerbs } from './question-verbs.ts';
import type { Scene } from './scene.ts';
import { upstreamVerbs } from './upstream-verbs.ts';
import type { Verb } from './verb.ts';
import { watchVerbs } from './watch-verbs.ts';

export interface Step {
  readonly verb: string;
  readonly when: Some | undefined;
  /** The method a client asks with it. */
  readonly asks: string | undefined;
  take(scene: Scene): Promise<void>;
}

const verbs: Readonly<Record<string, Verb>> = {
  ...clientVerbs,
  ...upstreamVerbs,
  ...questionVerbs,
  ...watchVerbs,
};

export const verbNames = Object.keys(verbs);

/** @returns what is wrong, where it is no step */
export function toStep(verb: string, given: unknown, call: string, when: Some | undefined): Step | string {
  const found = verbs[verb];
  if (found === undefined) return 'there is no such step';
  const read = (found.schema as z.ZodType).safeParse(given ?? undefined);
  if (!read.success)
    return read.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ');
  const { method } = (read.data ?? {}) as { method?: unknown };
  const asks = verb === 'client calls' ? String(method) : undefined;
  return { verb, when, asks, take: (scene) => found.run(scene, read.data, call) };
}
