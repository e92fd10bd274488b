// What goes through the gateway is not its to write down.
import { expect, test } from 'bun:test';
import { Scene } from '../walk/scene.ts';
import { askingWalk, eras } from './asking.ts';

const told = {
  args: 'secret-of-the-arguments',
  question: 'secret-of-the-question',
  answer: 'secret-of-the-answer',
  result: 'secret-of-the-result',
};

for (const client of eras) {
  for (const upstream of eras) {
    test(`nothing of what a client of ${client} and a server of ${upstream} tell each other is in the log`, async () => {
      const leg = { client, over: 'http', upstream, via: 'http' } as const;
      const walk = askingWalk(told);
      const scene = await Scene.open(walk, leg, '2025-11-25');
      try {
        for (const step of walk.steps) await step.take(scene);
        const call = scene.call('call');
        const log = JSON.stringify(scene.gateway.lines);
        expect(log).toContain('tools/call');
        const states = [call.clientState, call.upstreamState, scene.session.id].filter(
          (each) => each !== undefined,
        );
        expect(states.length).toBeGreaterThan(0);
        for (const secret of [...Object.values(told), ...states]) expect(log).not.toContain(secret);
      } finally {
        await scene.client.end();
        await scene.close();
      }
    });
  }
}
