// An upstream that may work on few calls at once: who waits, in which order, and that a place is left in whatever
// way a call ends.
import { describe, expect, test } from 'bun:test';
import { CallProgress, progressFact } from '../../../src/core/call-progress.ts';
import { codeOf, collector, nobody, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { answer, type Behaviour, event, type Hit, json, status, stream } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { type Changes, httpSpec, serverSpec } from '../../fixtures/specs.ts';
import { until } from '../../fixtures/until.ts';
import { accept, elicit, startAsking, stateOf } from './asking.ts';

const run = running();

/** An upstream with one place, whose calls of `hold` end when the test says so. */
async function start(changes: Changes = {}, behave?: Behaviour) {
  const held: { hit: Hit; end(): void }[] = [];
  const rogue = await run.rogue((hit, res, self) => {
    const { name } = hit.message.params ?? {};
    if (name !== 'hold') return behave ? behave(hit, res, self) : json(res, answer(hit, String(name)));
    return held.push({ hit, end: () => json(res, answer(hit, 'held')) });
  });
  const upstream = run.upstream(httpSpec(rogue.url, { concurrency: { max: 1 }, ...changes }));
  const call = (name: string, options: Parameters<typeof toolCall>[2] = {}) =>
    upstream.handle(toolCall(name, {}, options), nobody);
  const waiting = () => upstream.host.figure('upstreamQueue', { upstream: 'up' });
  const queued = (count: number) => until(async () => (await waiting()) === count);
  /** One that is at work. */
  const busy = async () => {
    const first = call('hold');
    await until(() => held.length > 0);
    return { first, end: () => held.shift()?.end() };
  };
  return { rogue, upstream, call, held, waiting, queued, busy };
}

describe('beyond max', () => {
  test('calls wait, and run in the order they came', async () => {
    const { call, busy, queued, waiting, rogue } = await start();
    const { first, end } = await busy();
    const names = ['a', 'b', 'c', 'd'];
    const rest = names.map((name) => call(name));
    await queued(4);
    expect(rogue.of('tools/call')).toHaveLength(1);
    end();
    expect(textOf(await first)).toBe('held');
    expect((await Promise.all(rest)).map(textOf)).toEqual(names);
    expect(rogue.of('tools/call').map(({ message }) => message.params?.name)).toEqual(['hold', ...names]);
    expect(await waiting()).toBe(0);
  });

  test('one that is cancelled leaves its place in the queue at once', async () => {
    const { call, busy, queued, rogue, upstream } = await start({ concurrency: { max: 1, queue: 1 } });
    const { first, end } = await busy();
    const abort = new AbortController();
    const gone = call('gone', { signal: abort.signal });
    await queued(1);
    abort.abort();
    expect(codeOf(await gone)).toBe('CANCELLED');
    const next = call('next');
    await queued(1);
    end();
    expect(textOf(await first)).toBe('held');
    expect(textOf(await next)).toBe('next');
    expect(rogue.of('tools/call')).toHaveLength(2);
    expect(await upstream.host.figure('limitHits')).toBe(0);
  });

  test('one more than the queue holds is refused, and told when to come back', async () => {
    const { call, busy, queued, upstream } = await start({ concurrency: { max: 1, queue: 1 } });
    const { first, end } = await busy();
    const waits = call('waits');
    await queued(1);
    const refused = await call('refused');
    expect(refused.raw.string('message')).toBe(
      'The upstream "up" works on 1 calls (concurrency.max), and 1 more wait (concurrency.queue).',
    );
    const data = refused.raw.object('data');
    expect([data?.string('code'), data?.string('upstream')]).toEqual(['BUSY', 'up']);
    expect(data?.get('retryAfterMs')).toBeWithin(500, 1_501);
    expect(refused.http).toBe(503);
    expect(refused.headers?.['retry-after']).toMatch(/^[12]$/);
    expect(await upstream.host.figure('limitHits', { limit: 'concurrency_queue' })).toBe(1);
    // Not a fault of the upstream.
    expect(await upstream.host.figure('upstreamErrors')).toBe(0);
    end();
    expect(textOf(await first)).toBe('held');
    expect(textOf(await waits)).toBe('waits');
  });

  test('one that waits too long is refused', async () => {
    const { call, busy, upstream } = await start({ concurrency: { max: 1, wait: 20 } });
    const { first, end } = await busy();
    const late = await call('late');
    expect(codeOf(late)).toBe('BUSY');
    expect(late.raw.string('message')).toContain('within concurrency.wait (20 ms)');
    expect(await upstream.host.figure('limitHits', { limit: 'concurrency_wait' })).toBe(1);
    end();
    expect(textOf(await first)).toBe('held');
    expect(textOf(await call('next'))).toBe('next');
  });

  test('T7: one that wants progress is told that it waits, and nothing goes back afterwards', async () => {
    const { upstream, busy, rogue } = await start({}, (hit, res) => {
      stream(res);
      const progressToken = (hit.message.params?._meta as { progressToken?: unknown } | undefined)
        ?.progressToken;
      for (const progress of [0, 1])
        res.write(
          event({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress } }),
        );
      res.end(event(answer(hit)));
    });
    const { first, end } = await busy();
    const { notes, emit, heard } = collector();
    const token = '"mine"';
    const told = new CallProgress({ token, out: emit, host: upstream.host, time: () => 0, every: () => 1 });
    const x = toolCall('talks', {}, { token });
    x.set(progressFact, told);
    const waits = upstream.handle(x, told.emit);
    await heard(1);
    expect(x.phase).toBe('queued');
    expect(notes[0]?.params).toEqual({
      progressToken: 'mine',
      progress: 0,
      message: 'waiting for a free place at "up"',
    });
    expect(rogue.of('tools/call')).toHaveLength(1);
    end();
    await Promise.all([first, waits]);
    const progress = notes.map(({ params }) => params.progress as number);
    expect(progress).toEqual([...new Set(progress)].sort((a, b) => a - b));
    expect(progress).toHaveLength(3);
    expect(progress.at(-1)).toBe(1);
    expect(x.phase).toBe('processing');
  });
});

describe('a place is left', () => {
  const ways: [string, Behaviour, Changes][] = [
    ['a result', (hit, res) => json(res, answer(hit)), {}],
    ['an error', (_, res) => status(res, 500), {}],
    ['a broken connection', (_, res) => void res.socket?.destroy(), {}],
    ['a timeout', () => {}, { timeouts: { firstByte: 20 } }],
  ];
  test.each(ways)('after %s', async (_, behave, changes) => {
    const { call, rogue } = await start(changes, behave);
    for (let i = 0; i < 3; i++) await call('x');
    expect(rogue.of('tools/call')).toHaveLength(3);
  });

  test('after a cancellation', async () => {
    const { call, held, busy } = await start();
    const abort = new AbortController();
    const cancelled = call('hold', { signal: abort.signal });
    await until(() => held.length === 1);
    held.shift();
    abort.abort();
    expect(codeOf(await cancelled)).toBe('CANCELLED');
    const { first, end } = await busy();
    end();
    expect(textOf(await first)).toBe('held');
  });

  test('after a process that ended', async () => {
    const upstream = run.upstream(serverSpec([], { concurrency: { max: 1 } }));
    for (let i = 0; i < 2; i++)
      expect(codeOf(await upstream.handle(toolCall('exit', { code: 3 }), nobody))).toBe(
        'UPSTREAM_UNAVAILABLE',
      );
    expect(textOf(await upstream.handle(toolCall('echo', { a: 1 }), nobody))).toBe('{"a":1}');
  });

  test('by a call that waits for its client, and its way back never waits', async () => {
    const { upstream, ask, retry } = startAsking(run, { concurrency: { max: 1, queue: 0 } });
    const asks = { questions: [elicit('?')] };
    const state = stateOf(await ask(asks));
    // Its place is free, and taken while the call comes back.
    const abort = new AbortController();
    const silent = upstream.handle(toolCall('silent', {}, { signal: abort.signal }), nobody);
    await until(() => upstream.state().calls === 2);
    expect(codeOf(await ask(asks))).toBe('BUSY');
    expect((await retry(state, asks, { user_input: accept({}) })).kind).toBe('complete');
    abort.abort();
    expect(codeOf(await silent)).toBe('CANCELLED');
  });
});
