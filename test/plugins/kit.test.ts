// sluice/testing itself: what it shows of a call, and what it says to somebody who uses it wrongly.
import { describe, expect, test } from 'bun:test';
import { definePlugin, fact, type Hooks, McpNotification, McpResult, principalFact, z } from 'sluice/plugin';
import { type TestEntry, testPlugin } from 'sluice/testing';

const plugin = (hooks: Hooks) =>
  definePlugin({ name: 'p', api: 1, about: 'For tests.', schema: z.object({}), setup: () => hooks });
const bench = (hooks: Hooks = {}, entry: TestEntry = {}) => testPlugin(plugin(hooks), {}, entry);

describe('a call', () => {
  test('is what the test says of it', async () => {
    const seen: unknown[] = [];
    const risk = fact<number>('risk');
    await using it = await bench({
      onRequest(request, x) {
        const { principal, inbound, client, route, id } = x;
        seen.push(request.meta, principal, inbound.headers.get('x-a'), inbound.remote?.(), id, x.get(risk));
        seen.push(client.era, client.version, client.info?.value, client.capabilities.value, route);
        x.set(principalFact, { id: 'grace', scopes: [] });
      },
    });
    const { get } = await it.call({
      method: 'tools/call',
      params: { name: 'echo' },
      progressToken: 0,
      logLevel: 'info',
      principal: { id: 'ada', scopes: ['tools'] },
      headers: { 'X-A': '1' },
      remote: '192.0.2.1',
      client: { era: '2025', info: { name: 'c' }, capabilities: { roots: {} } },
      before: (x) => x.set(risk, 3),
    });
    expect(seen).toEqual([
      { progressToken: '0', logLevel: 'info' },
      { id: 'ada', scopes: ['tools'] },
      ...['1', '192.0.2.1', 'call-1', 3, '2025', '2025-11-25'],
      ...[{ name: 'c' }, { roots: {} }],
      { kind: 'one', upstream: 'upstream', name: 'echo', asked: 'echo' },
    ]);
    expect([get(risk), get(principalFact)?.id]).toEqual([3, 'grace']);
  });

  test('shows what left, what was logged and what was thrown', async () => {
    await using it = await bench({
      onSend: (outbound) => ({ ...outbound, headers: { ...outbound.headers, 'x-n': '1' } }),
      onNotification() {
        throw new RangeError('no luck');
      },
    });
    const { sent, log, failures, notes } = await it.call({
      method: 'tools/call',
      params: '{"name": "a"}',
      attempts: 2,
      notes: [McpNotification.of('notifications/message', {})],
    });
    expect(sent.map(({ body, headers }) => [body, headers['x-n']])).toEqual([
      ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name": "a"}}', '1'],
      ['{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name": "a"}}', '1'],
    ]);
    expect([notes, log.map(({ fields }) => fields.error), failures]).toEqual([
      ...[[], ['no luck']],
      [new RangeError('no luck')],
    ]);
  });

  test('in the pipeline of an upstream is a leg', async () => {
    const legs: unknown[] = [];
    await using it = await bench(
      { onRequest: (_request, x) => void legs.push(x.leg) },
      { upstream: 'files' },
    );
    await it.call({ method: 'tools/call' });
    expect(legs).toEqual([{ upstream: 'files' }]);
  });

  test('keeps what came after the result apart', async () => {
    await using it = await bench({
      onResult(_result, _x, emit) {
        setTimeout(() => void emit(McpNotification.of('late', {})), 50);
      },
    });
    const { notes, late } = await it.call({ method: 'tools/call' });
    await it.advance(50);
    expect([notes.length, late.map(({ method }) => method)]).toEqual([0, ['late']]);
  });

  test('that is cancelled ends as it does in the gateway', async () => {
    await using it = await bench();
    const running = it.start({ method: 'tools/call', upstream: ({ wait }) => wait(1_000).then(() => ({})) });
    running.cancel();
    expect((await running.outcome).result.value.data).toEqual({ code: 'CANCELLED', requestId: 'call-1' });
  });
});

describe('the clock', () => {
  test('turns host.now, setTimeout and setInterval of the plugin, and nothing else', async () => {
    const trace: string[] = [];
    await using it = await testPlugin(
      definePlugin({
        name: 'p',
        api: 1,
        about: '',
        schema: z.object({}),
        setup(_options, host) {
          const start = host.now();
          const write = (what: string) => trace.push(`${what} ${host.now() - start}`);
          setTimeout(write, 25, 'once');
          clearTimeout(setTimeout(write, 1, 'cleared'));
          const every = setInterval(() => write('every') === 4 && clearInterval(every), 10);
          return {};
        },
      }),
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 1);
    await promise;
    expect([trace, it.timers]).toEqual([[], 2]);
    await it.advance(9);
    await it.advance(1_000);
    expect(trace).toEqual(['every 10', 'every 20', 'once 25', 'every 30']);
    expect(it.timers).toBe(0);
  });

  test('two of them do not meet', async () => {
    const waiting: Hooks = { onRequest: () => new Promise((resolve) => setTimeout(resolve, 100)) };
    await using one = await bench(waiting);
    await using other = await bench(waiting);
    const [first, second] = [one, other].map((it) => it.start({ method: 'tools/call' }));
    await one.advance(100);
    expect((await first?.outcome)?.result.kind).toBe('complete');
    expect(other.timers).toBeGreaterThan(0);
    await other.advance(100);
    await second?.outcome;
  });

  test('gives what a timer throws to who turns it', async () => {
    await using it = await bench({
      onRequest: () =>
        void setTimeout(() => {
          throw new Error('in a timer');
        }, 5),
    });
    await it.call({ method: 'tools/call' });
    await expect(it.advance(5)).rejects.toThrow('in a timer');
  });
});

describe('a reload', () => {
  test('disposes the old hooks, hands kept values on, and drops those nobody asks for', async () => {
    const trace: string[] = [];
    await using it = await testPlugin(
      definePlugin({
        name: 'p',
        api: 1,
        about: '',
        schema: z.object({ keys: z.array(z.string()) }),
        setup({ keys }, host) {
          for (const key of keys)
            host.keep(
              key,
              () => trace.push(`make ${key}`),
              () => void trace.push(`drop ${key}`),
            );
          return { dispose: () => void trace.push(`dispose ${keys}`) };
        },
      }),
      { keys: ['a', 'b'] },
    );
    await it.reload({ keys: ['b', 'c'] });
    expect(trace).toEqual(['make a', 'make b', 'make c', 'dispose a,b', 'drop a']);
    expect(it.kept('b')).toBe(2);
    expect(() => it.kept('a')).toThrow('the plugin keeps nothing under "a" (it keeps "b", "c")');
    await it.dispose();
    expect(trace.slice(5)).toEqual(['dispose b,c', 'drop b', 'drop c']);
  });
});

describe('somebody who uses it wrongly is told', () => {
  test('that this is no plugin', async () => {
    await expect(testPlugin(undefined as never)).rejects.toThrow(
      'exports no default plugin (use `export default',
    );
    await expect(testPlugin({ name: 'p' } as never)).rejects.toThrow(
      'testPlugin takes the default export of a plugin file; this exports a plugin without api (1), about (text)',
    );
  });

  test('which options do not fit', async () => {
    const schema = z.strictObject({ words: z.array(z.string()) });
    const strict = definePlugin({ name: 'redact', api: 1, about: '', schema, setup: () => ({}) });
    await expect(testPlugin(strict, { words: [1], wrods: [] } as never)).rejects.toThrow(
      /^The options do not fit the schema of "redact":\n.*"wrods"\n.*number\n {2}→ at words\[0\]$/,
    );
  });

  test('that a hook is misspelt', async () => {
    await expect(bench({ onRequst() {} } as Hooks)).rejects.toThrow('returns a hook "onRequst" from setup');
  });

  test('that emit takes notifications', async () => {
    await using it = await bench({ onRequest: (_request, _x, emit) => void emit({ method: 'x' } as never) });
    const { failures } = await it.call({ method: 'tools/call' });
    expect(String(failures[0])).toBe('TypeError: emit takes a McpNotification');
  });

  test('that nobody turns the clock', async () => {
    const hooks: Hooks = { onRequest: () => new Promise(() => setTimeout(() => {}, 70)) };
    await using it = await bench(hooks, { patience: 1 });
    await expect(it.call({ method: 'tools/call' })).rejects.toThrow(
      'The call has not ended and the next timer is due in 70 ms, but call() does not turn the clock. Use start(), then advance(70)',
    );
  });

  test('that a text is no JSON object', async () => {
    await using it = await bench();
    expect(() => it.start({ method: 'tools/call', params: '[1]' })).toThrow('expected a JSON object');
  });

  test('results may be results, too', async () => {
    await using it = await bench();
    const result = McpResult.error({ code: 1, message: 'no' });
    expect((await it.call({ method: 'tools/call', result })).result).toBe(result);
  });
});

test('what a plugin counts is under its name and labels, as often as it says', async () => {
  const counting = definePlugin({
    name: 'counting',
    api: 1,
    about: 'Counts.',
    schema: z.strictObject({}),
    setup: (_options, host) => ({
      onRequest() {
        host.count('seen');
        host.count('sent', { kind: 'a' }, 20);
      },
    }),
  });
  await using harness = await testPlugin(counting);
  await harness.call({ method: 'tools/list' });
  await harness.call({ method: 'tools/list' });
  expect(Object.fromEntries(harness.counts)).toEqual({ seen: 2, 'sent{kind=a}': 40 });
});
