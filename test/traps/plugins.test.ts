// Questions of servers and their answers pass every plugin, in both eras on both sides.
import { expect, test } from 'bun:test';
import { definePlugin, z } from '../../src/plugin.ts';
import { Scene } from '../walk/scene.ts';
import { askingWalk, eras } from './asking.ts';

const told = { args: 'the arguments', question: 'the question', answer: 'the answer', result: 'the result' };

/** A plugin that writes down every text it is shown. */
function watching(seen: string[]) {
  return definePlugin({
    name: 'watching',
    api: 1,
    about: 'Writes down what it sees.',
    schema: z.strictObject({}),
    setup: () => ({
      onRequest: ({ method, params }) => void seen.push(`request ${method} ${JSON.stringify(params)}`),
      onResult: ({ kind, value }) => void seen.push(`result ${kind} ${JSON.stringify(value)}`),
    }),
  });
}

for (const client of eras) {
  for (const upstream of eras) {
    test(`a plugin sees what a server of ${upstream} asks a client of ${client}, and what it is answered`, async () => {
      const leg = { client, over: 'http', upstream, via: 'http' } as const;
      const seen: string[] = [];
      const walk = { ...askingWalk(told), config: { pipeline: [{ watching: {} }] } };
      const scene = await Scene.open(walk, leg, '2025-11-25', { watching: watching(seen) });
      try {
        for (const step of walk.steps) await step.take(scene);
      } finally {
        await scene.client.end();
        await scene.close();
      }
      const of = (begin: string, part: string) =>
        seen.filter((each) => each.startsWith(begin) && each.includes(part)).length;
      expect(of('request tools/call', told.args)).toBe(2);
      expect(of('result input_required', told.question)).toBe(1);
      expect(of('request tools/call', told.answer)).toBe(1);
      expect(of('result complete', told.result)).toBe(1);
    });
  }
}
