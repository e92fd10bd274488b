// What the progress plugin lets through stays as it came, what it must not let through does not pass.
import { describe, expect, test } from 'bun:test';
import type { McpNotification } from 'sluice/plugin';
import { type Note, testPlugin } from 'sluice/testing';
import progress from '../../plugins/progress.ts';
import { exchangeOf, noteOf } from '../../src/testing/call.ts';
import { KEEPING_HOST } from '../fixtures/plugin-host.ts';

const METHOD = 'notifications/progress';
const raw = (params: string): Note => ({ method: METHOD, params });
const values = (notes: readonly McpNotification[]) => notes.map((note) => note.params.progress);
const texts = (notes: readonly McpNotification[]) => notes.map((note) => note.raw?.text);
const every = (notes: readonly Note[]) => ({ method: 'tools/call', notes }) as const;

describe('bytes', () => {
  test('T8: floats, order, white space and unknown members are kept', async () => {
    await using bench = await testPlugin(progress, { every: '0ms' });
    const sent = [
      '{ "progressToken":7,"progress":0.10, "total":1.0e0 ,"message":"\\u00e9"}',
      '{"x-extra":[1e400],"progress":0.30000000000000004,"progressToken":7}',
    ];
    const { notes } = await bench.call(every(sent.map(raw)));
    expect(texts(notes)).toEqual(sent);
  });

  test('what was held is sent as it came', async () => {
    await using bench = await testPlugin(progress);
    const sent = ['{"progressToken":0,"progress":1.0}', '{ "progressToken" : 0, "progress" : 2.50 }'];
    const { notes } = await bench.call(every(sent.map(raw)));
    expect(texts(notes)).toEqual(sent);
  });

  test('other notifications pass, and do not wait for held progress', async () => {
    await using bench = await testPlugin(progress);
    const log = { method: 'notifications/message', params: { level: 'info', data: 1 } };
    const { notes } = await bench.call(
      every([raw('{"progressToken":1,"progress":1}'), raw('{"progressToken":1,"progress":2}'), log]),
    );
    expect(notes.map((note) => note.method)).toEqual([METHOD, 'notifications/message', METHOD]);
  });

  test('progress nobody can read passes untouched', async () => {
    await using bench = await testPlugin(progress);
    const odd = ['{"progressToken":1}', '{"progressToken":1,"progress":"5"}', '{}'];
    const { notes } = await bench.call(every([...odd.map(raw), { method: METHOD }]));
    expect(texts(notes)).toEqual([...odd, undefined]);
  });
});

describe('values that go back', () => {
  const back = [5, 3, 5, 4.999, 6].map((value) => raw(`{"progressToken":1,"progress":${value}}`));

  test('are left out; the same value again is not', async () => {
    await using bench = await testPlugin(progress, { every: '0ms' });
    expect(values((await bench.call(every(back))).notes)).toEqual([5, 5, 6]);
  });

  test('are logged: once as a warning, then for those who look closely', async () => {
    await using bench = await testPlugin(progress);
    const { log } = await bench.call(every(back));
    expect(log.map(({ level, message, fields }) => [level, message, fields.from, fields.to])).toEqual([
      ['warn', 'progress went back, left out', 5, 3],
      ['debug', 'progress went back, left out', 5, 4.999],
    ]);
    expect(log[0]?.fields).toMatchObject({ plugin: 'progress', requestId: 'call-1' });
  });

  test('do not pass in a later round of the same call, which has the same token', async () => {
    const { signal } = new AbortController();
    const hooks = await progress.setup(progress.schema.parse({ every: '0ms' }), KEEPING_HOST);
    const first = exchangeOf({ method: 'tools/call' }, 'x1', signal, 0);
    const other = exchangeOf({ method: 'tools/call' }, 'x2', new AbortController().signal, 0);
    const second = first.again(first.request, first.route);
    const passes = (x: typeof first, value: number) =>
      hooks.onNotification?.(noteOf(raw(`{"progressToken":1,"progress":${value}}`)), x, () => undefined) !==
      null;
    expect([passes(first, 5), passes(second, 4), passes(other, 4), passes(second, 6)]).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });

  test('do not replace what is held', async () => {
    await using bench = await testPlugin(progress);
    const notes = [1, 9, 2].map((value) => raw(`{"progressToken":1,"progress":${value}}`));
    expect(values((await bench.call(every(notes))).notes)).toEqual([1, 9]);
  });
});

describe('long messages', () => {
  const cut = async (message: string, most: number) => {
    await using bench = await testPlugin(progress, { message_max: most });
    const { notes } = await bench.call(
      every([raw(`{"progress":1.50,"message":${JSON.stringify(message)},"progressToken":1}`)]),
    );
    return notes[0]?.raw?.text;
  };

  test('are cut, and all else is kept', async () => {
    expect(await cut('abcdefgh', 4)).toBe('{"progress":1.50,"message":"abc…","progressToken":1}');
    expect(await cut('abcd', 4)).toBe('{"progress":1.50,"message":"abcd","progressToken":1}');
    expect(await cut('abc', 1)).toBe('{"progress":1.50,"message":"…","progressToken":1}');
  });

  test('are cut between two characters', async () => {
    expect(await cut('a😀😀😀', 4)).toContain('"a😀😀😀"');
    expect(await cut('a😀😀😀', 3)).toContain('"a😀…"');
    expect(await cut('😀'.repeat(1_000), 2)).toContain('"😀…"');
  });

  test('are cut at 200 unless told otherwise', async () => {
    await using bench = await testPlugin(progress);
    const { notes } = await bench.call(
      every([raw(`{"progressToken":1,"progress":1,"message":"${'x'.repeat(10_000)}"}`)]),
    );
    expect(notes[0]?.raw?.string('message')).toBe(`${'x'.repeat(199)}…`);
  });
});

describe('no timer outlives its call', () => {
  const two = [1, 2].map((value) => raw(`{"progressToken":1,"progress":${value}}`));

  test('when the client cancels', async () => {
    await using bench = await testPlugin(progress);
    const running = bench.start({
      method: 'tools/call',
      upstream: async (up) => {
        for (const note of two) await up.emit(note);
        await up.wait(60_000);
        return {};
      },
    });
    await bench.advance(50);
    running.cancel();
    const { result, notes, late } = await running.outcome;
    expect([result.value.data, values(notes)]).toEqual([{ code: 'CANCELLED', requestId: 'call-1' }, [1]]);
    await bench.advance(1_000);
    expect(late).toEqual([]);
  });

  test('when the upstream breaks down', async () => {
    await using bench = await testPlugin(progress);
    const running = bench.start({
      method: 'tools/call',
      upstream: async (up) => {
        for (const note of two) await up.emit(note);
        throw new Error('a bug of the gateway');
      },
    });
    await expect(running.outcome).rejects.toThrow('a bug of the gateway');
    expect(bench.timers).toBe(0);
    await bench.advance(1_000);
    expect(values(running.notes)).toEqual([1]);
  });

  test('in the pipeline of an upstream', async () => {
    await using bench = await testPlugin(progress, { every: '1h' }, { upstream: 'slow' });
    const { notes } = await bench.call(every(two));
    expect([values(notes), bench.timers]).toEqual([[1, 2], 0]);
  });

  test('in shadow mode, which only reports', async () => {
    await using bench = await testPlugin(progress, {}, { mode: 'shadow' });
    const three = [...two, raw('{"progressToken":1,"progress":3}')];
    const { notes, log } = await bench.call(every(three));
    expect([values(notes), bench.timers]).toEqual([[1, 2, 3], 0]);
    expect(log.map(({ message }) => message)).toContain('shadow: would have dropped a notification');
  });
});

test('P4: a client that refuses a notification fails no call', async () => {
  await using bench = await testPlugin(progress);
  const { result, notes, log } = await bench.call({
    ...every([1, 2].map((value) => raw(`{"progressToken":1,"progress":${value}}`))),
    take: async (note) => {
      if (note.params.progress === 2) throw new Error('gone');
    },
  });
  expect([result.kind, values(notes)]).toEqual(['complete', [1, 2]]);
  expect(log.map(({ level, message }) => [level, message])).toEqual([['debug', 'progress not delivered']]);
});

test('options that make no sense are refused in words', async () => {
  await expect(testPlugin(progress, { every: '100' })).rejects.toThrow(
    'write a number with ms, s, m, h or d',
  );
  await expect(testPlugin(progress, { message_max: 0 })).rejects.toThrow('message_max');
  await expect(testPlugin(progress, { evry: '1s' } as never)).rejects.toThrow('evry');
});
