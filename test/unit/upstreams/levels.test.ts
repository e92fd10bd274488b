// What belongs to a session of an initialize-era server: its log level, its processes, what a 2026-07-28 form lacks.
import { describe, expect, test } from 'bun:test';
import { type Refusal, refusalsFact } from '../../../src/core/refusals.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { withRefusals } from '../../../src/upstreams/refused.ts';
import { clientOf, codeOf, collector, exchange, nobody, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { longAfter, timerSet } from '../../fixtures/long-after.ts';
import { json } from '../../fixtures/rogue.ts';
import { running } from '../../fixtures/running.ts';
import { httpSpec, serverSpec } from '../../fixtures/specs.ts';

const run = running();

function start(flags: string[] = [], changes: Parameters<typeof serverSpec>[1] = {}) {
  const upstream = run.upstream(serverSpec(['--era', '2025', ...flags], changes));
  const call = (logLevel?: string, client = clientOf()) =>
    upstream.handle(
      toolCall('received', {}, { client, ...(logLevel === undefined ? {} : { logLevel }) }),
      nobody,
    );
  const levels = async (client = clientOf()): Promise<string[]> =>
    (JSON.parse(textOf(await call(undefined, client))) as string[])
      .map((line) => JSON.parse(line))
      .filter(({ method }) => method === 'logging/setLevel')
      .map(({ params }) => params.level);
  return { upstream, call, levels };
}

describe('the log level', () => {
  test('is set before the call that wants it, and only when it is another', async () => {
    const { call, levels } = start();
    const client = clientOf({ era: '2025', capabilities: { elicitation: {} }, session: 's' });
    for (const level of [undefined, 'info', 'info', 'error', 'error', 'debug', undefined])
      await call(level, client);
    expect(await levels(client)).toEqual(['info', 'error', 'debug']);
  });

  test('stays set when the caller that wanted it goes away before the server has answered', async () => {
    const { upstream, call, levels } = start();
    const client = clientOf({ era: '2025', capabilities: { elicitation: {} }, session: 's' });
    await call(undefined, client);
    const abort = new AbortController();
    const gone = upstream.handle(
      toolCall('received', {}, { client, logLevel: 'error', signal: abort.signal }),
      nobody,
    );
    setImmediate(() => abort.abort());
    const next = call('error', client);
    await Promise.all([gone, next]);
    expect(await levels(client)).toEqual(['error']);
    // Who wants it, and comes meanwhile, waits for it too; nothing is taken back.
    const lines = JSON.parse(textOf(await next)) as string[];
    expect(lines.some((line) => line.includes('logging/setLevel'))).toBe(true);
    expect(lines.filter((line) => line.includes('notifications/cancelled')).length).toBeLessThan(2);
  });

  test('of a process shared by many is that of the least severe wish', async () => {
    const { call, levels } = start();
    for (const level of ['error', 'warning', 'error', 'debug', 'info']) await call(level);
    expect(await levels()).toEqual(['error', 'warning', 'debug']);
  });

  test('wished for by each, each hears its own', async () => {
    const { upstream } = start();
    const log = (level: string) =>
      `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"${level}","data":1}}`;
    const lines = [
      ...['debug', 'info', 'error'].map(log),
      '{"jsonrpc":"2.0","id":$id,"result":{"content":[]}}',
    ];
    for (const [logLevel, count] of [
      ['debug', 3],
      ['error', 1],
      [undefined, 0],
    ] as const) {
      const { notes, emit } = collector();
      await upstream.handle(toolCall('say', { lines }, logLevel === undefined ? {} : { logLevel }), emit);
      expect(notes.length).toBe(count);
    }
  });

  test('that the server never confirms holds nobody up for good, and is tried again', async () => {
    const { call, upstream } = start(['--silent', 'logging/setLevel']);
    // The link stands before the clock is held.
    await call();
    const asked = Promise.withResolvers<void>();
    const first = await longAfter(
      async () => {
        const abort = new AbortController();
        const gone = upstream.handle(
          toolCall('echo', {}, { logLevel: 'info', signal: abort.signal }),
          nobody,
        );
        await call();
        abort.abort();
        expect(codeOf(await gone)).toBe('CANCELLED');
        const received = textOf(await call());
        expect(received).toContain('logging/setLevel');
        expect(received).not.toContain('"name":"echo"');
        // Who wants the same meanwhile waits for the same answer.
        const same = call('info');
        setImmediate(asked.resolve);
        return same;
      },
      () => asked.promise,
    );
    expect(textOf(first).split('logging/setLevel').length).toBe(2);
    const again = await longAfter(() => call('info'), timerSet);
    expect(textOf(again).split('logging/setLevel').length).toBe(3);
  });
});

describe('processes', () => {
  const client = (session: string) => clientOf({ era: '2025', session });

  test('one for each session, as many as allowed', async () => {
    const { call, upstream } = start([], { instances: { per: 'session', max: 2 } });
    for (const session of ['a', 'b', 'a'])
      expect((await call(undefined, client(session))).kind).toBe('complete');
    expect(upstream.state().links).toBe(2);
    const refused = await call(undefined, client('c'));
    expect(codeOf(refused)).toBe('BUSY');
    expect(refused.raw.string('message')).toBe(
      'The upstream "up" runs as many processes as instances.max allows.',
    );
    expect(await upstream.host.figure('limitHits', { limit: 'instances' })).toBe(1);
    expect(await upstream.host.figure('upstreamErrors')).toBe(0);
    expect(await upstream.host.figure('upstreamUp')).toBe(1);
  });

  test('are told who the client is and what it can, when they serve it alone', async () => {
    const { call } = start([], { instances: { per: 'session', max: 2 } });
    const mine = clientOf({
      era: '2025',
      capabilities: { roots: { listChanged: true }, tasks: {}, extensions: {} },
      session: 's',
    });
    const [greeting = '', initialized = ''] = JSON.parse(textOf(await call(undefined, mine)));
    expect(JSON.parse(greeting).params).toEqual({
      protocolVersion: '2025-11-25',
      capabilities: { roots: { listChanged: true } },
      clientInfo: { name: 'test-client', version: '1' },
    });
    expect(JSON.parse(initialized)).toEqual({ jsonrpc: '2.0', method: 'notifications/initialized' });
  });
});

describe('refusals of questions, toward an upstream of 2026-07-28', () => {
  const refused = (method: string, call = 'tools/call') => {
    const x = exchange(call, {
      name: 'a',
      inputResponses: { kept: { action: 'accept' } },
      requestState: 's',
    });
    const refusal: Refusal = { method, error: RawObject.of({ code: -1, message: 'no' }) };
    x.set(refusalsFact, new Map([['q', refusal]]));
    return x;
  };

  test('of an elicitation are its cancellation', async () => {
    const rogue = await run.rogue((hit, res) =>
      json(res, { jsonrpc: '2.0', id: hit.message.id, result: hit.message.params }),
    );
    const upstream = run.upstream(httpSpec(rogue.url));
    const { value } = await upstream.handle(refused('elicitation/create'), nobody);
    expect(value.inputResponses).toEqual({ kept: { action: 'accept' }, q: { action: 'cancel' } });
  });

  test('of anything else end the call: a tool says so in its result, the rest is an error', () => {
    const tool = withRefusals(refused('sampling/createMessage'));
    expect(tool?.value).toMatchObject({
      isError: true,
      content: [{ text: 'The client did not answer sampling/createMessage: no' }],
    });
    expect(withRefusals(refused('roots/list', 'prompts/get'))).toMatchObject({ kind: 'error', code: -32603 });
    expect(withRefusals(toolCall('a'))).toBeUndefined();
  });
});
