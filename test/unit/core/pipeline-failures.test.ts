// A plugin that throws, hangs or returns nonsense refuses the call; shadow and `on_error: pass` let it go on.
import { describe, expect, test } from 'bun:test';
import type { Hooks } from '../../../src/core/plugin.ts';
import { definePlugin, McpNotification, McpResult, z } from '../../../src/plugin.ts';
import { type Call, type TestEntry, testPlugin } from '../../../src/testing.ts';

const plugin = (hooks: Hooks) =>
  definePlugin({ name: 'bad', api: 1, about: 'Fails.', schema: z.strictObject({}), setup: () => hooks });
const bench = (hooks: Hooks, entry: TestEntry = {}) => testPlugin(plugin(hooks), {}, entry);
const params = { name: 'echo', arguments: { list: [1] } };
const call: Call = {
  method: 'tools/call',
  params,
  notes: [{ method: 'notifications/message', params: { data: 'hello' } }],
  result: { ok: true },
};
const REFUSED = {
  code: -32603,
  message: 'The plugin "bad" failed, so the call was refused.',
  data: { code: 'PLUGIN_FAILED', requestId: 'call-1', plugin: 'bad' },
};
const boom = () => {
  throw new Error('boom: a secret detail');
};
const never = () => new Promise<never>(() => {});
const junk = (value: unknown) => () => value as never;

/** Every way to fail, as one hook. */
const ways: Record<string, () => never | Promise<never>> = {
  throws: boom,
  rejects: () => Promise.reject(new Error('boom')),
  'returns a string': junk('no'),
  'returns a plain object': junk({ kind: 'complete' }),
  'returns a promise of junk': async () => 7 as never,
  'returns false': junk(false),
};

describe('onRequest', () => {
  for (const [way, hook] of Object.entries(ways)) {
    test(`that ${way} refuses, and the upstream is not asked`, async () => {
      await using it = await bench({ onRequest: hook });
      const { result, request, log, notes } = await it.call(call);
      expect(result.value).toEqual(REFUSED);
      expect([result.http, request, notes]).toEqual([500, undefined, []]);
      expect(log.map(({ level, message, fields }) => [level, message, fields.plugin])).toEqual([
        ['error', 'plugin failed', 'bad'],
      ]);
    });
  }

  test('that changes the parameters it was given throws, since they are frozen', async () => {
    await using it = await bench({
      onRequest(request) {
        (request.params.arguments as { list: number[] }).list.push(2);
      },
    });
    const { result, failures } = await it.call(call);
    expect(result.value).toEqual(REFUSED);
    expect(String(failures[0])).toMatch(/^TypeError/);
  });

  test('that fails passes with on_error: pass, unchanged', async () => {
    await using it = await bench({ onRequest: boom }, { on_error: 'pass' });
    const { result, request, log } = await it.call(call);
    expect([result.value, request?.params]).toEqual([{ ok: true }, params]);
    expect(log.map(({ message }) => message)).toEqual(['plugin failed']);
  });

  test('tells the client nothing of what was thrown, and the log everything', async () => {
    await using it = await bench({ onRequest: boom });
    const { result, log } = await it.call(call);
    expect(result.raw.text).not.toContain('secret');
    expect(log[0]?.fields.error).toBe('boom: a secret detail');
  });
});

describe('onNotification', () => {
  for (const [way, hook] of Object.entries(ways)) {
    test(`that ${way} loses the notification, never the call`, async () => {
      await using it = await bench({ onNotification: hook });
      const { result, notes, log } = await it.call(call);
      expect([result.value, notes]).toEqual([{ ok: true }, []]);
      expect(log.map(({ message }) => message)).toEqual(['plugin failed']);
    });
  }

  test('that fails passes it on with on_error: pass', async () => {
    await using it = await bench({ onNotification: boom }, { on_error: 'pass' });
    expect((await it.call(call)).notes.length).toBe(1);
  });
});

describe('onResult', () => {
  for (const [way, hook] of Object.entries(ways)) {
    test(`that ${way} refuses`, async () => {
      await using it = await bench({ onResult: hook });
      const { result, request } = await it.call(call);
      expect([result.value, request?.method]).toEqual([REFUSED, 'tools/call']);
    });
  }

  test('that fails gives the result as it came with on_error: pass', async () => {
    await using it = await bench({ onResult: boom }, { on_error: 'pass' });
    expect((await it.call(call)).result.value).toEqual({ ok: true });
  });
});

describe('onSend', () => {
  for (const [way, hook] of Object.entries(ways)) {
    test(`that ${way} refuses, and nothing leaves`, async () => {
      await using it = await bench({ onSend: hook });
      const { result, sent } = await it.call(call);
      expect([result.value, sent]).toEqual([REFUSED, []]);
    });
  }

  test('that fails sends what there was with on_error: pass', async () => {
    await using it = await bench({ onSend: boom }, { on_error: 'pass' });
    expect((await it.call(call)).sent.length).toBe(1);
  });
});

describe('onClose', () => {
  for (const hook of [boom, () => Promise.reject(new Error('boom'))]) {
    test('that fails is logged, and that is all', async () => {
      await using it = await bench({ onClose: hook });
      const { result } = await it.call(call);
      await it.advance(0);
      expect(result.value).toEqual({ ok: true });
      expect(it.log.map(({ message }) => message)).toEqual(['plugin failed']);
    });
  }
});

describe('shadow', () => {
  const all: Hooks = {
    onRequest: (request) => request.with({ name: 'other' }),
    onNotification: () => null,
    onResult: () => McpResult.complete({}),
    onSend: (outbound) => ({ ...outbound, headers: {} }),
  };

  test('changes nothing and says what it would have done', async () => {
    await using it = await bench(all, { mode: 'shadow' });
    const { result, request, notes, sent, log } = await it.call(call);
    expect([result.value, request?.params, notes.length]).toEqual([{ ok: true }, params, 1]);
    expect(Object.keys(sent[0]?.headers ?? {})).not.toEqual([]);
    expect(log.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'shadow: would have changed the request'],
      ['info', 'shadow: would have changed the bytes sent'],
      ['info', 'shadow: would have dropped a notification'],
      ['info', 'shadow: would have changed the result'],
    ]);
  });

  test('answers nothing', async () => {
    await using it = await bench({ onRequest: () => McpResult.complete({}) }, { mode: 'shadow' });
    const { result, log } = await it.call(call);
    expect([result.value, log[0]?.message]).toEqual([
      { ok: true },
      'shadow: would have answered the request',
    ]);
  });

  test('sends nothing of its own', async () => {
    const hooks: Hooks = {
      async onRequest(_request, _x, emit) {
        await emit(McpNotification.of('notifications/message', { data: 'mine' }));
      },
    };
    await using it = await bench(hooks, { mode: 'shadow' });
    const { notes, log } = await it.call(call);
    expect(notes.map((note) => note.params.data)).toEqual(['hello']);
    expect(log.map(({ message }) => message)).toEqual(['shadow: would have sent a notification']);
  });

  test('fails without harm', async () => {
    await using it = await bench({ onRequest: boom, onResult: boom, onSend: boom }, { mode: 'shadow' });
    const { result, log } = await it.call(call);
    expect([result.value, log.length]).toEqual([{ ok: true }, 3]);
  });

  test('says nothing where a plugin returns what it was given', async () => {
    const same: Hooks = {
      onRequest: (request) => request,
      onNotification: (note) => note,
      onResult: (result) => result,
      onSend: (outbound) => outbound,
    };
    await using it = await bench(same, { mode: 'shadow' });
    expect((await it.call(call)).log).toEqual([]);
  });
});

describe('timeout', () => {
  test('a hook that takes too long refuses', async () => {
    await using it = await bench({ onRequest: never }, { timeout: 1_000 });
    const running = it.start(call);
    await it.advance(999);
    expect(it.timers).toBe(1);
    await it.advance(1);
    const { result, log } = await running.outcome;
    expect([result.value, log[0]?.fields.error, it.timers]).toEqual([REFUSED, 'took longer than 1000 ms', 0]);
  });

  test('a notification that takes too long is lost', async () => {
    await using it = await bench({ onNotification: never }, { timeout: 1_000 });
    const running = it.start(call);
    await it.advance(1_000);
    const { result, notes } = await running.outcome;
    expect([result.value, notes]).toEqual([{ ok: true }, []]);
  });

  test('a promise that is not one of the platform has a deadline, too', async () => {
    // biome-ignore lint/suspicious/noThenProperty: this is what the test is about
    const thenable = { then() {} } as unknown as Promise<undefined>;
    await using it = await bench({ onRequest: () => thenable }, { timeout: 1_000 });
    const running = it.start(call);
    await it.advance(1_000);
    expect((await running.outcome).result.value).toEqual(REFUSED);
  });

  test('hold rests it: a person may take an hour', async () => {
    const person = Promise.withResolvers<void>();
    const hooks: Hooks = { onRequest: (_request, x) => x.hold(person.promise) };
    await using it = await bench(hooks, { timeout: 1_000 });
    const running = it.start(call);
    await it.advance(3_600_000);
    person.resolve();
    expect((await running.outcome).result.value).toEqual({ ok: true });
  });
});

describe('cancellation', () => {
  const cancelled = { code: 'CANCELLED', requestId: 'call-1' };
  const held: Record<string, Hooks> = {
    'a hook that hangs': { onRequest: never },
    'a hook that holds': { onRequest: (_request, x) => x.hold(never()) },
    'a hook that fetches with the signal': {
      onRequest: (_request, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
        }),
    },
    'onResult that holds': { onResult: (_result, x) => x.hold(never()) },
  };
  for (const [what, hooks] of Object.entries(held)) {
    test(`${what} ends with the call, and counts as no failure`, async () => {
      await using it = await bench(hooks, { on_error: 'pass' });
      const running = it.start(call);
      await it.advance(10);
      running.cancel();
      const { result, log } = await running.outcome;
      expect([result.value.data, log, it.timers]).toEqual([cancelled, [], 0]);
    });
  }

  test('a failure of onResult after a cancelled call is a failure', async () => {
    const hooks: Hooks = {
      async onResult() {
        boom();
      },
    };
    await using it = await bench(hooks);
    const running = it.start({ ...call, upstream: ({ wait }) => wait(1_000).then(() => ({})) });
    await it.advance(10);
    running.cancel();
    expect((await running.outcome).log.map(({ message }) => message)).toEqual(['plugin failed']);
  });
});
