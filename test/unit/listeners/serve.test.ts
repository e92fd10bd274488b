// One call through an endpoint: limits, rounds, the generation it holds on to, and its end.
import { beforeEach, describe, expect, test } from 'bun:test';
import { ANONYMOUS, type Client, NO_CAPABILITIES } from '../../../src/core/client.ts';
import { errorResult } from '../../../src/core/errors.ts';
import { Exchange } from '../../../src/core/exchange.ts';
import type { Handler } from '../../../src/core/handler.ts';
import { LiveCalls } from '../../../src/core/live-calls.ts';
import { createMetrics } from '../../../src/core/metrics.ts';
import { type Refusal, refusalsFact } from '../../../src/core/refusals.ts';
import { type Withdrawals, withdrawalsFact } from '../../../src/core/withdrawals.ts';
import { type ClientCall, serve } from '../../../src/listeners/serve.ts';
import type { Endpoint, Serving } from '../../../src/listeners/serving.ts';
import { McpRequest, McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import type { LogLine } from '../../../src/testing/call.ts';
import { recordingLog } from '../../../src/testing/host.ts';

const client: Client = {
  era: '2025',
  version: '2025-11-25',
  transport: 'http',
  info: undefined,
  capabilities: NO_CAPABILITIES,
  principal: ANONYMOUS,
};
const asking = new McpResult(
  'input_required',
  RawObject.of({ resultType: 'input_required', requestState: 's' }),
);
const done = McpResult.complete({ content: [] });

let held: number;
let opened: string[];
let closed: string[];
let lines: LogLine[];
let accepting: boolean;
let refusals: string[];
let cut: () => void;
let endpoint: Endpoint | undefined;
let metrics: ReturnType<typeof createMetrics>;
let serving: Serving;

function endpointOf(name: string, handle: Handler): Endpoint {
  const closer = (x: Exchange, result: McpResult): void =>
    void closed.push(`${name} ${x.request.method} ${result.kind}`);
  const watched = (x: Exchange): Exchange => {
    opened.push(name);
    x.addCloser(closer);
    return x;
  };
  return {
    path: '/mcp',
    sse: undefined,
    takes: [],
    hold() {
      held++;
      let isOver = false;
      return () => {
        if (!isOver) held--;
        isOver = true;
      };
    },
    open: (by, inbound, request, signal, id) =>
      watched(new Exchange({ id, client: by, inbound, request, route: { kind: 'local' }, signal, now: 0 })),
    again: (x, request) => watched(x.again(request, { kind: 'local' })),
    handle,
    recognise: async (client) => ({ refusal: undefined, principal: client.principal }),
    admit: async () => undefined,
    toolSchema: async () => undefined,
  };
}

beforeEach(() => {
  [held, opened, closed, lines, accepting] = [0, [], [], [], true];
  cut = () => {};
  metrics = createMetrics();
  endpoint = endpointOf('one', async () => done);
  refusals = [];
  serving = {
    host: { log: recordingLog(lines), metrics, now: () => 0 },
    limits: () => ({ inFlight: 2 }),
    live: new LiveCalls({ metrics, now: () => 0 }, () => 15_000),
    endpoint: () => endpoint,
    accepting: () => accepting,
    refused: ({ code }: { code: string }) => void refusals.push(code),
    onCut(end: () => void) {
      cut = end;
      return () => {
        cut = () => {};
      };
    },
  } as unknown as Serving;
});

const callOf = (more: Partial<ClientCall> = {}): ClientCall => ({
  id: 'r',
  client,
  inbound: { listener: 't', endpoint: '/mcp', headers: new Headers() },
  request: new McpRequest('tools/call', RawObject.of({ name: 'x' })),
  signal: new AbortController().signal,
  emit: () => undefined,
  ...more,
});
const codeOf = (result: McpResult) => result.raw.object('data')?.string('code');

describe('a call', () => {
  test('holds its generation until its answer is out', async () => {
    const { result, close } = await serve(callOf(), serving);
    expect([result, held, closed]).toEqual([done, 1, []]);
    close();
    close();
    expect([held, closed]).toEqual([0, ['one tools/call complete']]);
  });

  test('that fails where nothing should is an internal error, once in the log', async () => {
    endpoint = endpointOf('one', async () => {
      throw new Error('boom');
    });
    const { result, close } = await serve(callOf(), serving);
    close();
    expect([codeOf(result), held, metrics.load.inFlight]).toEqual(['INTERNAL', 0, 0]);
    expect(lines.filter(({ level }) => level === 'error').map(({ fields }) => fields.error)).toEqual([
      'boom',
    ]);
  });

  test('that cannot begin gives its hold back', async () => {
    const open = (): never => {
      throw new Error('no route');
    };
    endpoint = { ...endpointOf('one', async () => done), open };
    const { result } = await serve(callOf(), serving);
    expect([codeOf(result), held]).toEqual(['INTERNAL', 0]);
  });

  test('is refused when too many run, when its endpoint is gone, and while the gateway stops', async () => {
    const release = Promise.withResolvers<McpResult>();
    endpoint = endpointOf('one', () => release.promise);
    const running = [serve(callOf(), serving), serve(callOf(), serving)];
    expect(codeOf((await serve(callOf(), serving)).result)).toBe('BUSY');
    // A subscription does not count among them.
    const listen = serve(callOf({ request: new McpRequest('subscriptions/listen', undefined) }), serving);
    release.resolve(done);
    expect((await Promise.all([...running, listen])).map(({ result }) => result.kind)).toEqual([
      'complete',
      'complete',
      'complete',
    ]);
    endpoint = undefined;
    expect(codeOf((await serve(callOf(), serving)).result)).toBe('STOPPING');
    accepting = false;
    expect(codeOf((await serve(callOf(), serving)).result)).toBe('STOPPING');
    expect(metrics.load.inFlight).toBe(0);
    // The one between them had an exchange, or would have had one: it is told of as a call.
    expect(refusals).toEqual(['BUSY', 'STOPPING']);
  });

  test('that has had its time is cut', async () => {
    endpoint = endpointOf('one', () => new Promise(() => {}));
    const served = serve(callOf(), serving);
    await new Promise((resolve) => setImmediate(resolve));
    cut();
    const { result, close } = await served;
    close();
    expect([codeOf(result), metrics.load.inFlight, closed]).toEqual([
      'STOPPING',
      0,
      ['one tools/call error'],
    ]);
  });
});

describe('rounds', () => {
  test('all run on the generation of the first, which stays while a person thinks', async () => {
    const seen: (ReadonlyMap<string, Refusal> | undefined)[] = [];
    endpoint = endpointOf('one', async (x) => {
      seen.push(x.get(refusalsFact));
      expect(x.id).toBe('r');
      return x.request.raw?.has('again') ? done : asking;
    });
    const { result, close } = await serve(
      callOf({
        async rounds(request, first, run) {
          expect([first.result, held, closed]).toEqual([asking, 1, ['one tools/call input_required']]);
          endpoint = endpointOf('two', async () => errorResult('INTERNAL'));
          const refusals = new Map([['q', { method: 'm', error: RawObject.of({}) }]]);
          await run(request, refusals);
          expect(held).toBe(1);
          return (await run(request.with({ again: true }), new Map())).result;
        },
      }),
      serving,
    );
    expect(held).toBe(1);
    close();
    expect([result, held, opened]).toEqual([done, 0, ['one', 'one', 'one']]);
    expect(closed).toEqual([
      'one tools/call input_required',
      'one tools/call input_required',
      'one tools/call complete',
    ]);
    expect(seen.map((each) => each?.size)).toEqual([undefined, 1, undefined]);
  });

  test('know what the upstream needs no more, each of its own questions', async () => {
    const all: (Withdrawals | undefined)[] = [];
    endpoint = endpointOf('one', async (x) => {
      const withdrawals = x.fork('up', x.request).get(withdrawalsFact);
      all.push(withdrawals);
      if (all.length === 1) withdrawals?.withdraw('a');
      return all.length === 1 ? asking : done;
    });
    await serve(
      callOf({
        async rounds(request, first, run) {
          expect([first.withdrawals.of('a').aborted, first.withdrawals.of('b').aborted]).toEqual([
            true,
            false,
          ]);
          const second = await run(request);
          expect(second.withdrawals.of('a').aborted).toBe(false);
          return second.result;
        },
      }),
      serving,
    );
    expect(new Set(all).size).toBe(2);
  });

  test('are for those who can be asked', async () => {
    endpoint = endpointOf('one', async () => asking);
    const { result, close } = await serve(callOf(), serving);
    expect([result, held]).toEqual([asking, 1]);
    close();
  });
});

test('the log and the figures have every call, by what became of it', async () => {
  const gone = new AbortController();
  gone.abort();
  endpoint = endpointOf('one', async (x) =>
    x.request.method === 'bad/method' ? errorResult('METHOD_UNKNOWN') : done,
  );
  await serve(callOf(), serving);
  await serve(callOf({ request: new McpRequest('bad/method', undefined) }), serving);
  await serve(callOf({ signal: gone.signal }), serving);
  expect(lines.map(({ fields }) => [fields.method, fields.status, fields.code])).toEqual([
    ['tools/call', 'complete', undefined],
    ['bad/method', 'error', 'METHOD_UNKNOWN'],
    ['tools/call', 'cancelled', undefined],
  ]);
  const { values } = await metrics.exchanges.get();
  // What clients write is no label.
  expect(values.map(({ labels }) => labels.method).toSorted()).toEqual(['other', 'tools/call', 'tools/call']);
});
