// One word of walks: what may stand behind it, and what it does.
import type { z } from 'zod';
import type { Scene } from './scene.ts';

export interface Verb {
  readonly schema: z.ZodType;
  run(scene: Scene, given: unknown, call: string): Promise<void>;
}

export function verb<S extends z.ZodType>(
  schema: S,
  run: (scene: Scene, given: z.infer<S>, call: string) => Promise<void> | void,
): Verb {
  return { schema, run: async (scene, given, call) => run(scene, given as z.infer<S>, call) };
}
