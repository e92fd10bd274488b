// Tries cases over every way in: refused, and nothing of it reaches an upstream; while the same request with a good
// credential reaches it once. Without a case that passes, one that is refused would say nothing.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { until } from '../fixtures/until.ts';
import type { Case } from './case.ts';
import { come, FIRST, type Known, reached, type Scene, WAYS, type Way } from './scene.ts';

export interface Trying {
  readonly cases: readonly Case[];
  start(): Promise<Scene>;
  /** What WWW-Authenticate says on a way in. */
  challenge(way: Way, status: number): RegExp;
}

/** @returns the scene, once tests run */
export function tryAll({ cases, start, challenge }: Trying): () => Scene {
  let scene: Scene;
  let tools = 0;
  beforeAll(async () => {
    scene = await start();
  });
  afterAll(() => scene[Symbol.asyncDispose]());
  const titled = cases.map((each) => [`${each.group}: ${each.name}`, each] as const);
  const nameOf = ({ tool = 'tool_' }: Case): string => tool + ++tools;

  /** What came of a case on one way in. */
  async function refused(each: Case, way: Way, known: Known = {}): Promise<unknown> {
    const { gateway } = scene;
    const tool = nameOf(each);
    const counted = () => gateway.figure('pluginEvents', { event: 'refused', reason: each.reason ?? '' });
    const before = await counted();
    const change = await each.change(scene, way, known);
    const said = await come(scene, way, tool, known, change);
    for (const line of change.proof ?? []) {
      const secret = line.split(' ').at(-1) ?? '';
      if (secret.length > 32) expect(JSON.stringify(said)).not.toContain(secret);
    }
    return {
      way: way.name,
      status: said.status,
      code: each.code && JSON.parse(said.body).error.code,
      challenge: challenge(way, said.status).test(said.headers['www-authenticate'] ?? ''),
      reason: (await counted()) > before ? each.reason : undefined,
      reached: reached(scene, tool).length,
    };
  }

  describe('before anybody was let in', () => {
    test.each(titled.filter(([, each]) => waysOf(each, FIRST).length > 0))('%s', async (_, each) => {
      const ways = waysOf(each, FIRST);
      const found = [];
      for (const way of ways) found.push(await refused(each, way));
      expect(found).toEqual(ways.map((way) => wanted(each, way)));
    });

    test('no upstream has heard of anybody', () => {
      expect([scene.rogue.hits.length, scene.rogue.connections]).toEqual([0, 0]);
    });
  });

  describe('with sessions and streams of those who are', () => {
    let known: Known;
    let calls = 0;
    beforeAll(async () => {
      known = { session: await scene.session(), place: await scene.place() };
    });

    /** The request of the case, with the credential as it should be. */
    async function passed(each: Case, way: Way): Promise<unknown> {
      const tool = nameOf(each);
      const own = way.method === 'DELETE' ? { session: await scene.session() } : known;
      const { status } = await come(scene, way, tool, own, await each.good?.(scene));
      calls += way.calls ? 1 : 0;
      // What is posted beside a stream is answered before it has gone on.
      if (status === 202) await until(() => reached(scene, tool).length > 0);
      return [way.name, status, reached(scene, tool).length];
    }

    test.each(titled)('%s', async (_, each) => {
      const ways = waysOf(each);
      const found = [];
      for (const way of ways) found.push(await refused(each, way, known));
      expect(found).toEqual(ways.map((way) => wanted(each, way)));
      const controls = [];
      for (const way of ways) controls.push(await passed(each, way));
      expect(controls).toEqual(ways.map((way) => [way.name, way.good, way.calls ? 1 : 0]));
    });

    test('the upstream has heard of nobody else', () => {
      expect(scene.rogue.of('tools/call').length).toBe(calls);
    });
  });
  return () => scene;
}

const wanted = ({ status = 401, isChallenged = status === 401, code, reason }: Case, way: Way) => ({
  way: way.name,
  status,
  code,
  challenge: isChallenged,
  reason,
  reached: 0,
});

const waysOf = ({ ways = WAYS }: Case, of = WAYS) => ways.filter((way) => of.includes(way));
