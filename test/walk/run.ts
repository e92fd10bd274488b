// Takes a walk on one leg, step by step, and looks behind at the end: nothing more may have come on either side,
// another call goes through, and nothing is left in the gateway.
import type { Leg } from './leg.ts';
import { isAmong } from './leg.ts';
import type { Walk } from './read.ts';
import { Scene } from './scene.ts';
import { toStep } from './steps.ts';
import { unlisten } from './watch-verbs.ts';

/** A step that waits longer waits for ever, on the slowest machine. Milliseconds; less where it is known to. */
const PATIENCE = 60_000;
export const IMPATIENCE = 1_000;

const FENCE: readonly [string, unknown][] = [
  ['client calls', { method: 'tools/call', params: { name: 'fence' } }],
  ['upstream gets', undefined],
  ['upstream answers', { content: [] }],
  ['client gets', { content: [] }],
];

/** @throws Error that names the step and what was wrong with it */
export async function takeWalk(walk: Walk, leg: Leg, revision: string, patience = PATIENCE): Promise<void> {
  const patiently = within(patience);
  const scene = await patiently('the beginning', Scene.open(walk, leg, revision));
  try {
    for (const [index, step] of walk.steps.entries()) {
      if (step.when && !isAmong(leg, step.when)) continue;
      await patiently(`step ${index + 1}, ${step.verb}`, step.take(scene), scene);
    }
    if (walk.fence) await fence(scene, patiently);
    if (scene.leftovers.length > 0) throw new Error(scene.leftovers.join('\n'));
    await unlisten(scene);
    await patiently(
      'the end',
      scene.client.end().then(() => scene.settled()),
      scene,
    );
    if (scene.leftovers.length > 0) throw new Error(`after the end: ${scene.leftovers.join('\n')}`);
  } catch (error) {
    // Nothing is to be waited for.
    scene.server.wire.die();
    throw error;
  } finally {
    await scene.close();
  }
}

async function fence(scene: Scene, patiently: ReturnType<typeof within>): Promise<void> {
  for (const [verb, given] of FENCE) {
    const step = toStep(verb, given, 'fence', undefined);
    if (typeof step === 'string') throw new Error(step);
    await patiently(`the fence, ${verb}`, step.take(scene), scene);
  }
}

const within =
  (patience: number) =>
  async <T>(what: string, work: Promise<T>, scene?: Scene): Promise<T> => {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error('nothing happened')), patience);
    try {
      return await Promise.race([work, promise]);
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      const more = scene?.leftovers.map((each) => `\n  ${each}`).join('') ?? '';
      throw new Error(`${what}: ${said}${more}`);
    } finally {
      clearTimeout(timer);
    }
  };
