// The walk of a message through a pipeline: which hook runs when, what stops, what is replaced, who is told at the end.
import { describe, expect, test } from 'bun:test';
import { errorResult } from '../../../src/core/errors.ts';
import type { Exchange } from '../../../src/core/exchange.ts';
import type { Handler } from '../../../src/core/handler.ts';
import type { Log } from '../../../src/core/log.ts';
import { createMetrics } from '../../../src/core/metrics.ts';
import { pipeline } from '../../../src/core/pipeline.ts';
import type { Hooks } from '../../../src/core/plugin.ts';
import type { Step } from '../../../src/core/step.ts';
import { McpNotification, McpResult } from '../../../src/protocol/message.ts';
import { exchangeOf, outboundOf } from '../../../src/testing/call.ts';
import { recordingLog } from '../../../src/testing/host.ts';

const host = { log: recordingLog([]) as Log, metrics: createMetrics(), now: () => 0 };
const step = (id: string, hooks: Hooks, more: Partial<Step> = {}): Step => ({
  id,
  hooks,
  mode: 'enforce',
  onError: 'refuse',
  timeout: 1_000,
  applies: () => true,
  ...more,
});
const exchange = (name = 'echo', signal = new AbortController().signal): Exchange =>
  exchangeOf({ method: 'tools/call', params: { name } }, 'x1', signal, 0);
const note = (data: string) => McpNotification.of('notifications/message', { data });

/** Runs an exchange with one notification through the steps; `calls` has every step's name in order. */
async function walk(steps: readonly Step[], x = exchange(), next?: Handler) {
  const notes: unknown[] = [];
  const upstream: Handler = async (_x, emit) => {
    await emit(note('hello'));
    return McpResult.complete({ ok: true });
  };
  const result = await pipeline(
    steps,
    next ?? upstream,
    host,
  )(x, (sent) => void notes.push(sent.params.data));
  return { result, notes };
}

/** A step that writes down its hooks as they are called. */
function traced(id: string, trace: string[], more: Hooks = {}): Step {
  return step(id, {
    onRequest: () => void trace.push(`${id} request`),
    onNotification: () => void trace.push(`${id} notification`),
    onResult: () => void trace.push(`${id} result`),
    onClose: () => void trace.push(`${id} close`),
    ...more,
  });
}

describe('order', () => {
  test('requests go down, notifications and results come back up', async () => {
    const trace: string[] = [];
    const x = exchange();
    const { result, notes } = await walk([traced('a', trace), traced('b', trace)], x);
    x.close(result);
    expect(trace).toEqual([
      ...['a request', 'b request'],
      ...['b notification', 'a notification'],
      ...['b result', 'a result'],
      ...['b close', 'a close'],
    ]);
    expect(notes).toEqual(['hello']);
    expect(result.value).toEqual({ ok: true });
  });

  test('without steps the handler is the one given', () => {
    const next: Handler = async () => McpResult.complete({});
    expect(pipeline([], next, host)).toBe(next);
  });

  test('asynchronous hooks keep their order', async () => {
    const trace: string[] = [];
    const slow = (id: string) =>
      step(id, {
        async onRequest() {
          await Promise.resolve();
          trace.push(id);
        },
        async onResult(result) {
          await Promise.resolve();
          return result.with({ [id]: trace.length });
        },
      });
    const { result } = await walk([slow('a'), slow('b'), slow('c')]);
    expect(trace).toEqual(['a', 'b', 'c']);
    expect(result.raw.keys()).toEqual(['ok', 'c', 'b', 'a']);
  });

  test('a step whose `when` does not apply sees nothing at all', async () => {
    const trace: string[] = [];
    const applies = (x: Exchange) => x.request.params.name === 'other';
    const steps = [traced('a', trace), { ...traced('b', trace), applies }];
    const x = exchange();
    x.close((await walk(steps, x)).result);
    expect(trace.filter((line) => line.startsWith('b'))).toEqual([]);
    await walk(steps, exchange('other'));
    expect(trace).toContain('b request');
  });
});

describe('answers', () => {
  test('an answer stops there: its own onResult does not run, those above see it', async () => {
    const trace: string[] = [];
    const answer = McpResult.complete({ cached: true });
    const steps = [traced('a', trace), traced('b', trace, { onRequest: () => answer }), traced('c', trace)];
    const x = exchange();
    const { result, notes } = await walk(steps, x, () => expect.unreachable());
    x.close(result);
    expect(result).toBe(answer);
    expect(notes).toEqual([]);
    expect(trace).toEqual(['a request', 'a result', 'b close', 'a close']);
  });

  test('a refusal is an answer like any other', async () => {
    const { result } = await walk([step('a', { onRequest: () => errorResult('FORBIDDEN') })]);
    expect([result.kind, result.http]).toEqual(['error', 200]);
  });
});

describe('replacements', () => {
  test('a renamed tool is seen by the plugins after, and by the upstream', async () => {
    const seen: unknown[] = [];
    const steps = [
      step('first', { onRequest: (request) => void seen.push(request.params.name) }),
      step('rename', { onRequest: (request) => request.with({ name: 'echo_v2' }) }),
      step('last', { onRequest: (request, x) => void seen.push(request.params.name, x.request === request) }),
    ];
    const next: Handler = async (x) => McpResult.complete({ name: x.request.params.name ?? null });
    const { result } = await walk(steps, exchange(), next);
    expect(seen).toEqual(['echo', 'echo_v2', true]);
    expect(result.value).toEqual({ name: 'echo_v2' });
  });

  test('notifications and results are replaced on the way up, null drops', async () => {
    const steps = [
      step('outer', {
        onNotification: (sent) => sent.with({ data: `${sent.params.data}!` }),
        onResult: (result) => result.with({ outer: true }),
      }),
      step('inner', {
        onNotification: async (sent) => (sent.params.data === 'drop' ? null : sent.with({ data: 'changed' })),
        onResult: async () => McpResult.complete({ inner: true }),
      }),
    ];
    const next: Handler = async (_x, emit) => {
      for (const data of ['one', 'drop', 'two']) await emit(note(data));
      return McpResult.complete({});
    };
    const { result, notes } = await walk(steps, exchange(), next);
    expect(notes).toEqual(['changed!', 'changed!']);
    expect(result.value).toEqual({ inner: true, outer: true });
  });

  test('what a plugin sends itself goes to those above it, in its place', async () => {
    const { notes } = await walk([
      step('outer', { onNotification: (sent) => sent.with({ data: `outer ${sent.params.data}` }) }),
      step('inner', {
        async onRequest(_request, _x, emit) {
          await emit(note('before'));
        },
        async onResult(_result, _x, emit) {
          await emit(note('after'));
        },
      }),
    ]);
    expect(notes).toEqual(['outer before', 'outer hello', 'outer after']);
  });

  test('the client’s backpressure reaches the upstream, through plugins that do not care', async () => {
    const client = Promise.withResolvers<void>();
    let isTaken = false;
    const next: Handler = async (_x, emit) => {
      await emit(note('big'));
      isTaken = true;
      return McpResult.complete({});
    };
    const steps = [step('a', { onNotification: () => undefined }), step('b', { async onNotification() {} })];
    const running = pipeline(steps, next, host)(exchange(), () => client.promise);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isTaken).toBe(false);
    client.resolve();
    await running;
    expect(isTaken).toBe(true);
  });
});

describe('onSend', () => {
  const header = (name: string): Step =>
    step(name, {
      onSend: (outbound) => ({ ...outbound, headers: { ...outbound.headers, [name]: outbound.body } }),
    });

  test('runs in the order of the pipeline, each on what the one before made, and again on a retry', async () => {
    const sent: string[][] = [];
    const next: Handler = async (x) => {
      for (const id of [1, 2]) {
        let last = outboundOf(x.request, id);
        for (const sender of x.senders) last = (await sender(last, x)) ?? last;
        sent.push(Object.keys(last.headers));
      }
      return McpResult.complete({});
    };
    await walk([header('x-a'), step('none', { onSend: () => undefined }), header('x-b')], exchange(), next);
    const names = ['content-type', 'mcp-method', 'x-a', 'x-b'];
    expect(sent).toEqual([names, names]);
  });

  test('a leg has those of the exchange, and then its own', async () => {
    const own = pipeline(
      [header('x-leg')],
      async (x) => McpResult.complete({ senders: x.senders.length }),
      host,
    );
    const next: Handler = (x, emit) => own(x.fork('up', x.request), emit);
    const x = exchange();
    const { result } = await walk([header('x-top')], x, next);
    expect([result.value, x.senders.length]).toEqual([{ senders: 2 }, 1]);
  });
});

describe('onClose', () => {
  test('runs once, however often the listener closes, and after the result', async () => {
    const closed: unknown[] = [];
    const x = exchange();
    const { result } = await walk(
      [step('a', { onClose: (of, last) => void closed.push([of.id, last.value]) })],
      x,
    );
    expect(closed).toEqual([]);
    x.close(result);
    x.close(errorResult('CANCELLED'));
    expect(closed).toEqual([['x1', { ok: true }]]);
  });

  test('of a leg runs once, with the upstream’s result, also when the upstream breaks down', async () => {
    const closed: unknown[] = [];
    const steps = [step('a', { onClose: (_x, result) => void closed.push(result.kind) })];
    const leg = () => exchange().fork('up', exchange().request);
    const one = leg();
    one.close((await walk(steps, one)).result);
    await expect(walk(steps, leg(), () => Promise.reject(new Error('bug')))).rejects.toThrow('bug');
    expect(closed).toEqual(['complete', 'error']);
  });
});

test('a list that a plugin changes is for its caller alone; one that it lets pass stays what it was', async () => {
  const list = () => exchangeOf({ method: 'tools/list', params: {} }, 'x1', new AbortController().signal, 0);
  const next: Handler = async () => McpResult.complete({ tools: [1, 2], ttlMs: 5, cacheScope: 'public' });
  const without = step('filter', { onResult: (result) => result.with({ tools: [] }) });
  const changed = await walk([without], list(), next);
  expect(changed.result.value).toEqual({ tools: [], ttlMs: 5, cacheScope: 'private' });
  const same = await walk([step('same', { onResult: (result) => result })], list(), next);
  expect(same.result.value).toEqual({ tools: [1, 2], ttlMs: 5, cacheScope: 'public' });
});
