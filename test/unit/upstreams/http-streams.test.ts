// Streams of events from an upstream: however they are cut, resumed where they may be, cancelled, and timed out.
import { afterEach, describe, expect, jest, test } from 'bun:test';
import type { ServerResponse } from 'node:http';
import { codeOf, collector, nobody, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import {
  answer,
  type Behaviour,
  event,
  json,
  progressOf,
  type RogueOptions,
  status,
  stream,
  streamed,
} from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { type Changes, httpSpec } from '../../fixtures/specs.ts';

afterEach(() => void jest.useRealTimers());
const run = running();

async function start(behave: Behaviour, options: RogueOptions = {}, changes: Changes = {}) {
  const rogue = await run.rogue(behave, options);
  const host = testHost();
  const upstream = run.upstream(httpSpec(rogue.url, changes), host);
  const { notes, emit, heard: hear } = collector();
  const call = (options: Parameters<typeof toolCall>[2] = {}) =>
    upstream.handle(toolCall('tool', {}, { token: '"t"', ...options }), emit);
  const values = () => notes.map(({ params }) => params.progress);
  return { rogue, upstream, host, call, notes, values, hear };
}

async function inPieces(res: ServerResponse, text: string, size: number): Promise<void> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) {
    res.write(bytes.subarray(at, at + size));
    await new Promise((resolve) => setImmediate(resolve));
  }
  res.end();
}

test.each([1, 2, 7, 1_000])(
  'events arrive in pieces of %d bytes, with every line end there is',
  async (size) => {
    const { call, values } = await start((hit, res) => {
      stream(res);
      const result = JSON.stringify(answer(hit, 'ü😀\r\n'), undefined, 1).split('\n');
      const text =
        `\ufeff: hello\r\n\r\nid: 0\r\ndata:\r\n\r\n` +
        `event: message\rdata: ${JSON.stringify(progressOf(hit, 1))}\r\r` +
        `data:${JSON.stringify(progressOf(hit, 2))}\nretry: soon\nunknown: x\n\n` +
        `${result.map((line) => `data: ${line}`).join('\r\n')}\r\n\r\n`;
      return inPieces(res, text, size);
    });
    expect(textOf(await call())).toBe('ü😀\r\n');
    expect(values()).toEqual([1, 2]);
  },
);

describe('a stream that closes before the result', () => {
  test('fails at once since 2026-07-28, whatever ids it gave', async () => {
    const { call, rogue } = await start((hit, res) =>
      streamed(res, event(progressOf(hit, 1), { id: '1', retry: 1 })),
    );
    expect(codeOf(await call())).toBe('UPSTREAM_UNAVAILABLE');
    expect([rogue.of('tools/call').length, rogue.of('GET').length]).toEqual([1, 0]);
  });

  test('fails before that, too, when it gave no id', async () => {
    const { call, rogue } = await start((hit, res) => streamed(res, event(progressOf(hit, 1))), {
      era: '2025',
    });
    expect(codeOf(await call())).toBe('UPSTREAM_UNAVAILABLE');
    expect([rogue.of('tools/call').length, rogue.of('GET').length]).toEqual([1, 0]);
  });

  /** Gives the call's progress bit by bit, one connection each, and the result in the last. */
  function polling(
    rounds: number,
    end: (res: ServerResponse, text: string) => void,
  ): RogueOptions & { behave: Behaviour } {
    return {
      era: '2025',
      behave(hit, res) {
        stream(res);
        end(res, `id: e0\nretry: 1\ndata:\n\n${event(progressOf(hit, 0))}`);
      },
      before(hit, res, rogue) {
        if (hit.method !== 'GET') return false;
        const round = Number(String(hit.headers['last-event-id']).slice(1)) + 1;
        const [first] = rogue.of('tools/call');
        if (!first) return status(res, 500);
        stream(res);
        if (round === rounds) return res.end(event(answer(first, 'at last')));
        return end(res, event(progressOf(first, round), { id: `e${round}` }));
      },
    };
  }

  test.each([
    ['closes', (res: ServerResponse, text: string) => void res.end(text)],
    ['breaks off', (res: ServerResponse, text: string) => void res.write(text, () => res.socket?.destroy())],
  ])('and %s is resumed by GET from the last id, as often as it goes on', async (_, end) => {
    const { behave, ...options } = polling(25, end);
    const { call, rogue, values } = await start(behave, options);
    expect(textOf(await call())).toBe('at last');
    expect(values()).toEqual(Array.from({ length: 25 }, (_, n) => n));
    const gets = rogue.of('GET');
    expect(gets.map(({ headers }) => headers['last-event-id'])).toEqual(gets.map((_, n) => `e${n}`));
    expect(
      gets.every(
        ({ headers }) => headers['mcp-session-id'] === 'session-1' && headers.accept === 'text/event-stream',
      ),
    ).toBe(true);
    expect(rogue.of('tools/call').length).toBe(1);
  });

  test('is given up when nothing new comes', async () => {
    const { behave } = polling(0, (res, text) => void res.end(text));
    const { call, rogue } = await start(behave, {
      era: '2025',
      before: (hit, res) => hit.method === 'GET' && streamed(res),
    });
    expect((await call()).raw.string('message')).toContain('closed the stream before the result');
    expect(rogue.of('GET').length).toBe(10);
  });

  test.each([404, 405, 200])('is given up when the GET is answered %d without events', async (code) => {
    const { behave } = polling(0, (res, text) => void res.end(text));
    const { call, rogue } = await start(behave, {
      era: '2025',
      before: (hit, res) => hit.method === 'GET' && status(res, code),
    });
    expect(codeOf(await call())).toBe('UPSTREAM_UNAVAILABLE');
    expect([rogue.of('tools/call').length, rogue.of('GET').length]).toEqual([1, 1]);
  });

  test('waits as long as it was told, and a cancelled call does not come back', async () => {
    const closed = Promise.withResolvers<void>();
    const { call, rogue, hear } = await start(
      (hit, res) => {
        res.on('close', closed.resolve);
        stream(res);
        res.end(event(progressOf(hit, 1), { id: '1', retry: 3_600_000 }));
      },
      { era: '2025' },
    );
    const abort = new AbortController();
    const waiting = call({ signal: abort.signal });
    await hear(1);
    await closed.promise;
    abort.abort();
    expect(codeOf(await waiting)).toBe('CANCELLED');
    await rogue.nth('notifications/cancelled');
    expect(rogue.of('GET')).toEqual([]);
  });
});

describe('a session that is gone', () => {
  const alive =
    (lost: (session: unknown) => boolean): Behaviour =>
    (hit, res) =>
      lost(hit.headers['mcp-session-id']) ? status(res, 404) : streamed(res, event(answer(hit)));

  test('is begun anew, and the request sent once more', async () => {
    const { call, rogue, upstream } = await start(
      alive((session) => session === 'session-1'),
      { era: '2025' },
    );
    expect(textOf(await call())).toBe('ok');
    expect(rogue.of('initialize').length).toBe(2);
    expect(rogue.of('tools/call').map(({ headers }) => headers['mcp-session-id'])).toEqual([
      'session-1',
      'session-2',
    ]);
    expect(upstream.state()).toMatchObject({ links: 1 });
  });

  test('and told with 400, as servers on older SDKs do, is begun anew just the same', async () => {
    const refusal = {
      jsonrpc: '2.0',
      id: null,
      error: { code: -32000, message: 'No valid session ID provided' },
    };
    const { call, rogue } = await start(
      (hit, res) =>
        hit.headers['mcp-session-id'] === 'session-1'
          ? json(res, refusal, 400)
          : streamed(res, event(answer(hit))),
      { era: '2025' },
    );
    expect(textOf(await call())).toBe('ok');
    expect([rogue.of('initialize').length, rogue.of('tools/call').length]).toEqual([2, 2]);
  });

  test('again and again fails: one new session, one repetition', async () => {
    const { call, rogue } = await start(
      alive(() => true),
      { era: '2025' },
    );
    expect(codeOf(await call())).toBe('UPSTREAM_UNAVAILABLE');
    expect([rogue.of('initialize').length, rogue.of('tools/call').length]).toEqual([2, 2]);
  });

  test('under many calls is begun anew once', async () => {
    const { call, rogue, upstream } = await start(
      alive((session) => session === 'session-1'),
      { era: '2025' },
    );
    const results = await Promise.all(Array.from({ length: 20 }, () => call()));
    expect(results.map(textOf)).toEqual(results.map(() => 'ok'));
    expect([rogue.of('initialize').length, rogue.of('tools/call').length]).toEqual([2, 40]);
    expect(upstream.state()).toMatchObject({ links: 1 });
  });

  test('is said good-bye to when it is not', async () => {
    const { call, rogue, upstream } = await start(
      alive(() => false),
      { era: '2025' },
    );
    await call();
    await Promise.all([upstream.close(), upstream.close()]);
    expect(rogue.of('DELETE').map(({ headers }) => headers['mcp-session-id'])).toEqual(['session-1']);
    const late = await upstream.handle(toolCall('tool'), nobody);
    expect(late.raw.string('message')).toContain('is being closed');
  });
});
