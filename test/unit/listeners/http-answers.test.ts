// Answers to calls over real sockets: JSON or a stream, order, silence, slow clients, and what leaving means.
import { describe, expect, test } from 'bun:test';
import { ask, call, openSession } from '../../fixtures/clients.ts';
import { configOf, startInProcess } from '../../fixtures/in-process.ts';
import { type Answering, note, type RawUpstream, startRawUpstream } from '../../fixtures/raw-upstream.ts';
import { until } from '../../fixtures/until.ts';

type Era = '2025' | '2026';
const ERAS: readonly Era[] = ['2025', '2026'];
const DONE = '{"content":[],"resultType":"complete"}';

async function withUpstream(
  options: { era?: Era; answer: Answering; limits?: object },
  run: (
    url: string,
    upstream: RawUpstream,
    gateway: Awaited<ReturnType<typeof startInProcess>>,
  ) => Promise<void>,
): Promise<void> {
  const upstream = startRawUpstream(options);
  await using gateway = await startInProcess(
    configOf({ raw: { url: upstream.url } }, { limits: options.limits ?? {} }),
  );
  try {
    await run(gateway.url, upstream, gateway);
  } finally {
    await upstream.stop();
  }
}

/** A call of `tool` by a client of an era, which wants progress under its own token. */
async function calling(era: Era, url: string, token: unknown = 't') {
  if (era === '2026') return call(url, 'tool', {}, { id: 1, token, level: 'debug' });
  return (await openSession(url)).call('tool', {}, { id: 1, token });
}

/** Progress from 1 to `count`, then the result. */
function counting(count: number, padding = ''): Answering {
  return async function* ({ message }) {
    const { progressToken } = message.params._meta ?? {};
    for (let progress = 1; progress <= count; progress++) {
      yield note('notifications/progress', { progressToken, progress, message: padding });
    }
    return DONE;
  };
}

describe('an answer', () => {
  for (const era of ERAS) {
    for (const upstream of ERAS) {
      test(`to a ${era} client from a ${upstream} upstream has everything in order, the result last`, async () => {
        await withUpstream({ era: upstream, answer: counting(200) }, async (url) => {
          const messages = await (await calling(era, url, 0)).messages();
          expect(messages.map(({ params }) => params?.progress)).toEqual(
            [...Array(200).keys()].map((i) => i + 1).concat([undefined as never]),
          );
          expect(new Set(messages.slice(0, -1).map(({ params }) => params.progressToken))).toEqual(
            new Set([0]),
          );
          expect(messages.at(-1)).toMatchObject({ id: 1, result: { content: [] } });
        });
      });
    }

    test(`to a ${era} client is JSON when nothing comes before it`, async () => {
      await withUpstream({ era, answer: counting(0) }, async (url) => {
        const answer = await calling(era, url);
        expect([answer.status, answer.type]).toEqual([200, 'application/json']);
        expect(await answer.json()).toMatchObject({ id: 1 });
      });
    });

    test(`to a ${era} client that takes no stream leaves the rest out`, async () => {
      await withUpstream({ era, answer: counting(3) }, async (url, _upstream, gateway) => {
        const headers = { accept: 'application/json' };
        const answer = await (era === '2026'
          ? call(url, 'tool', {}, { id: 1, token: 't', headers })
          : (await openSession(url, { headers })).call('tool', {}, { id: 1, token: 't' }));
        expect(answer.type).toBe('application/json');
        expect(await answer.json()).toMatchObject({ id: 1 });
        expect(await gateway.figure('dropped', { reason: 'no_stream' })).toBe(3);
      });
    });

    test(`to a ${era} client that is silent becomes a stream with signs of life`, async () => {
      const release = Promise.withResolvers<void>();
      const answer: Answering = async ({ message }) => {
        if (message.method === 'tools/call') await release.promise;
        return DONE;
      };
      await withUpstream({ era, answer, limits: { keep_alive: '20ms' } }, async (url) => {
        const got = await calling(era, url);
        expect([got.status, got.type, got.headers['x-accel-buffering']]).toEqual([
          200,
          'text/event-stream',
          'no',
        ]);
        for (let i = 0; i < 3; i++) await got.comment();
        release.resolve();
        expect(await got.messages()).toMatchObject([{ id: 1 }]);
      });
    });
  }

  test('with an error has its status when it is first', async () => {
    await withUpstream({ answer: () => '!{"code":-32601,"message":"no"}' }, async (url) => {
      expect((await ask(url, 'x/y')).status).toBe(404);
    });
  });

  test('with an error is told in the stream when that is open', async () => {
    const answer: Answering = async function* ({ message }) {
      yield note('notifications/progress', {
        progressToken: message.params._meta.progressToken,
        progress: 1,
      });
      return '!{"code":-32601,"message":"no"}';
    };
    await withUpstream({ answer }, async (url) => {
      const got = await calling('2026', url);
      expect(got.status).toBe(200);
      expect((await got.messages()).at(-1)).toMatchObject({ error: { code: -32601 } });
    });
  });
});

describe('a client that leaves', () => {
  test('has cancelled since 2026-07-28, stream or not', async () => {
    for (const before of [0, 1]) {
      const answer: Answering = async function* ({ message }) {
        if (before > 0)
          yield note('notifications/progress', {
            progressToken: message.params._meta.progressToken,
            progress: 1,
          });
        await new Promise(() => {});
        return DONE;
      };
      await withUpstream({ answer, limits: { keep_alive: '20ms' } }, async (url, upstream, gateway) => {
        const got = await calling('2026', url);
        const seen = await upstream.arrived('tools/call');
        got.drop();
        await seen.dropped;
        await until(() => gateway.gateway.report().inFlight === 0);
        expect(gateway.gateway.report().upstreams[0]).toMatchObject({ calls: 0, tokens: 0 });
        expect(await gateway.figure('exchanges', { outcome: 'cancelled' })).toBe(1);
      });
    }
  });

  test('has cancelled nothing before', async () => {
    const release = Promise.withResolvers<void>();
    const answer: Answering = async function* ({ message }) {
      yield note('notifications/progress', {
        progressToken: message.params._meta.progressToken,
        progress: 1,
      });
      await release.promise;
      return DONE;
    };
    await withUpstream({ era: '2025', answer }, async (url, upstream, gateway) => {
      const got = await calling('2025', url);
      await got.message();
      got.drop();
      // The same client is served meanwhile, and its call is still there.
      await (await (await openSession(url)).ask('tools/list')).text();
      expect(gateway.gateway.report().inFlight).toBe(1);
      release.resolve();
      await until(() => gateway.gateway.report().inFlight === 0);
      expect(upstream.seen.filter(({ message }) => message.method === 'notifications/cancelled')).toEqual([]);
      expect(await gateway.figure('exchanges', { method: 'tools/call', outcome: 'complete' })).toBe(1);
    });
  });
});

describe('a client that does not read', () => {
  const EVENT = 64 * 1024;
  const COUNT = 1_000;
  for (const era of ERAS) {
    test(`holds its own ${era} call back, not the others, and misses nothing`, async () => {
      let sent = 0;
      const padding = 'x'.repeat(EVENT);
      const answer: Answering = async function* ({ message }) {
        const { progressToken } = message.params._meta;
        for (let progress = 1; progress <= COUNT; progress++) {
          if (message.params.name === 'stalled') sent = progress;
          yield note('notifications/progress', { progressToken, progress, message: padding });
        }
        return DONE;
      };
      await withUpstream({ era, answer, limits: { stream_buffer: '128KiB' } }, async (url) => {
        const session = era === '2025' ? await openSession(url) : undefined;
        const begin = (name: string) =>
          session ? session.call(name, {}, { token: name }) : call(url, name, {}, { token: name });
        const stalled = await begin('stalled');
        for (let i = 0; i < 2; i++) expect((await (await begin('brisk')).messages()).length).toBe(COUNT + 1);
        // What is under way fits into the buffers of three sockets; the rest waits at the upstream.
        expect(sent).toBeLessThan(COUNT / 2);
        const messages = await stalled.messages();
        expect(messages.length).toBe(COUNT + 1);
        expect(messages.slice(0, -1).every(({ params }, i) => params.progress === i + 1)).toBe(true);
      });
    });
  }
});
