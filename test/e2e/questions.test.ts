// Elicitation and sampling between every client era and every upstream era, over HTTP and stdio, with real SDKs at
// both ends: the core of "any client era to any upstream era".
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { configOf, type InProcess, startInProcess } from '../fixtures/in-process.ts';
import { connectPeer, httpPeerKinds, type PeerOptions, textOf } from '../fixtures/peers.ts';
import { until } from '../fixtures/until.ts';
import { everythingStdio, startEverythingHttp } from '../fixtures/upstreams.ts';

const answers: Record<string, ReturnType<NonNullable<PeerOptions['elicit']>>> = {
  accept: { action: 'accept', content: { username: 'ada', email: 'ada@example.com' } },
  decline: { action: 'decline' },
  cancel: { action: 'cancel' },
};

/** Answers by what the question says. */
const options: PeerOptions = {
  elicit: (message) => {
    if (message === 'fail') throw new Error('the form broke');
    if (message.startsWith('Step 1')) return { action: 'accept', content: { name: 'Ada' } };
    if (message.startsWith('Step 2')) return { action: 'accept', content: { color: 'teal' } };
    if (message.startsWith('What context')) return { action: 'accept', content: { context: 'tea' } };
    const asked = /^echo (.*)$/.exec(message)?.[1];
    if (asked !== undefined)
      return { action: 'accept', content: { username: asked, email: 'x@example.com' } };
    return answers[message] ?? { action: 'cancel' };
  },
  sample: (prompt) => {
    if (prompt === 'fail') throw new Error('the model broke');
    return prompt.toUpperCase();
  },
};

for (const transport of ['http', 'stdio'] as const) {
  for (const era of ['2025', '2026', 'both'] as const) {
    describe(`a ${era} upstream over ${transport}`, () => {
      let gateway: InProcess;
      let stop: (() => Promise<void>) | undefined;
      beforeAll(async () => {
        const serving = transport === 'http' ? await startEverythingHttp({ era }) : undefined;
        stop = serving?.stop;
        const upstream = serving ? { url: serving.url } : everythingStdio({ era });
        gateway = await startInProcess(configOf({ everything: upstream }, { limits: { park_ttl: '1s' } }));
      });
      afterAll(async () => {
        await gateway.stop();
        await stop?.();
      });

      for (const kind of httpPeerKinds) {
        test(`asks a ${kind} client`, async () => {
          const peer = await connectPeer(kind, { url: gateway.url }, options);
          const ask = async (message: string) => textOf(await peer.call('test_elicitation', { message }));
          expect(await ask('accept')).toBe(
            'User response: action=accept, content={"username":"ada","email":"ada@example.com"}',
          );
          expect(await ask('decline')).toBe('User response: action=decline, content={}');
          expect(await ask('cancel')).toBe('User response: action=cancel, content={}');
          expect(textOf(await peer.call('test_sampling', { prompt: 'hi' }))).toBe('LLM response: HI');
          expect(textOf(await peer.call('test_input_required_result_multi_round', {}))).toBe(
            'Ada likes teal',
          );
          expect(await peer.prompt('test_input_required_result_prompt', {})).toBe('Use this context: tea');
          await peer.close();
        });

        test(`asks a ${kind} client several things at once, each by its own call`, async () => {
          const peer = await connectPeer(kind, { url: gateway.url }, options);
          const names = [...Array(8).keys()].map((i) => `nonce-${i}`);
          const texts = await Promise.all(
            names.map(async (name) =>
              textOf(await peer.call('test_elicitation', { message: `echo ${name}` })),
            ),
          );
          expect(texts).toEqual(
            names.map(
              (name) =>
                `User response: action=accept, content={"username":"${name}","email":"x@example.com"}`,
            ),
          );
          await peer.close();
        });
      }

      for (const kind of httpPeerKinds) {
        test(`tells what became of it when a ${kind} client answers with an error`, async () => {
          const peer = await connectPeer(kind, { url: gateway.url }, options);
          const outcome = async (name: string, args: Record<string, unknown>) =>
            peer.call(name, args).then(
              (result) => `${result.isError === true} ${textOf(result)}`,
              (error: Error) => `threw ${error.message}`,
            );
          // Never a hang, and never a made-up answer: cancelled, an error result, or an error.
          expect(await outcome('test_elicitation', { message: 'fail' })).toMatch(
            /action=cancel|^true |^threw /,
          );
          expect(await outcome('test_sampling', { prompt: 'fail' })).toMatch(/^true |^threw /);
          expect(textOf(await peer.call('test_simple_text', {}))).toContain('simple text');
          // A 2026-07-28 client that cannot answer just stays away; its call is given up after limits.park_ttl.
          await until(() => gateway.gateway.report().upstreams[0]?.parked === 0);
          await peer.close();
        });
      }

      test('nothing is left behind', () => {
        const report = gateway.gateway.report();
        expect(report).toMatchObject({ inFlight: 0 });
        expect(report.upstreams[0]).toMatchObject({ tokens: 0, parked: 0 });
      });
    });
  }
}
