// What a client hears of its call's progress: what upstreams say over several rounds, what the gateway says in between,
// and that both make one row of values that rises.
import { expect, test } from 'bun:test';
import { CallProgress, type CallProgressParts } from '../../../src/core/call-progress.ts';
import { bounded, phases } from '../../../src/core/phases.ts';
import { McpNotification } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { collector, testHost } from '../../fixtures/exchanges.ts';

const KEEP_ALIVE = 15_000;

const note = (params: object) => new McpNotification('notifications/progress', RawObject.of({ ...params }));
const progress = (value: number, more: object = {}) => note({ progressToken: 't', progress: value, ...more });
const wordsOf = (notes: readonly McpNotification[]) => notes.map(({ params }) => params.message);
const valuesOf = (notes: readonly McpNotification[]) => notes.map(({ params }) => Number(params.progress));

function start(more: Partial<CallProgressParts> = {}) {
  const host = testHost();
  const { notes, emit } = collector();
  const clock = { now: 0 };
  const time = () => clock.now;
  const told = new CallProgress({
    token: '"t"',
    out: emit,
    host,
    time,
    every: () => KEEP_ALIVE,
    ...more,
  });
  /** Lets time go by as the gateway does: a look every half second. */
  const pass = (ms: number): void => {
    const until = clock.now + ms;
    while (clock.now < until) {
      clock.now += 500;
      told.tick();
    }
  };
  return { host, notes, told, pass };
}

function expectRising(values: readonly number[]): void {
  expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
}

test('T9: a value that goes back is dropped and counted, also when a round begins anew', async () => {
  const { host, notes, told } = start();
  for (const value of [1, 5, 0, 4, 5, 6]) void told.emit(progress(value));
  void told.emit(McpNotification.of('notifications/message', { data: 'x' }));
  expect(notes.map(({ params }) => params.progress ?? params.data)).toEqual([1, 5, 5, 6, 'x']);
  expect(await host.dropped('progress_decreasing')).toBe(2);
});

test('where nothing of our own was said, what an upstream says is the very same', () => {
  const { notes, told, pass } = start();
  const all = [progress(0, { total: 1.0 }), progress(0), progress(0.5)];
  for (const each of all) {
    void told.emit(each);
    pass(60_000);
  }
  expect(notes).toHaveLength(3);
  expect(notes.every((each, at) => each === all[at])).toBe(true);
});

test('T7: a phase that lasts is told, and told again; the one after it, too', () => {
  const { notes, told, pass } = start();
  const over = told.phases.begin(phases.retry('up'));
  pass(500);
  expect(notes).toEqual([]);
  pass(500);
  expect(notes[0]?.params).toEqual({
    progress: 0,
    message: '"up" failed, trying again',
    progressToken: 't',
  });
  pass(2 * KEEP_ALIVE);
  over();
  told.phases.begin(phases.answer('up'));
  pass(60_000);
  expect(wordsOf(notes)).toEqual([
    '"up" failed, trying again',
    '"up" failed, trying again (16 s)',
    '"up" failed, trying again (31 s)',
    'waiting for an answer from "up"',
  ]);
  expectRising(valuesOf(notes));
});

test('waiting for a place, and for an answer of the client, is said at once', () => {
  const { notes, told } = start();
  const over = told.phases.begin(phases.place('up'));
  over();
  told.phases.begin(phases.client);
  expect(wordsOf(notes)).toEqual(['waiting for a free place at "up"', 'waiting for your answer']);
});

test('of several phases at once the latest counts, and then the one that still lasts', () => {
  const { told } = start();
  const names = [told.phases.current.name];
  const one = told.phases.begin({ name: 'one' });
  const two = told.phases.begin({ name: 'two' });
  names.push(told.phases.current.name);
  one();
  names.push(told.phases.current.name);
  two();
  two();
  names.push(told.phases.current.name);
  expect(names).toEqual(['processing', 'two', 'two', 'processing']);
});

test('a silent upstream: words every so often, and what it says afterwards still arrives, rising', () => {
  const { notes, told, pass } = start();
  told.phases.begin(phases.answer('up'));
  told.reassure({ every: 20_000 });
  pass(45_000);
  expect(wordsOf(notes)).toEqual([
    'waiting for an answer from "up" (20 s)',
    'waiting for an answer from "up" (40 s)',
  ]);
  // It begins with what we have said already, and ends with all of it: nothing is lost, nothing beyond the total.
  for (const value of [0, 0.25, 1]) void told.emit(progress(value, { total: 1, message: `at ${value}` }));
  pass(45_000);
  for (const value of [1, 1]) void told.emit(progress(value, { total: 1, message: 'nearly' }));
  expectRising(valuesOf(notes));
  expect(valuesOf(notes).map((value) => Number(value.toFixed(9)))).toEqual([0, 0, 0, 0.25, 1, 1, 1, 1, 1]);
  expect(notes[3]?.params).toEqual({ progressToken: 't', progress: 0.25, total: 1, message: 'at 0.25' });
  for (const { params } of notes) {
    if (params.total !== undefined) expect(Number(params.progress)).toBeLessThanOrEqual(Number(params.total));
  }
});

test('an upstream that speaks is not spoken over', () => {
  const { notes, told, pass } = start();
  told.reassure({ every: 20_000 });
  for (let value = 1; value <= 5; value++) {
    pass(19_500);
    void told.emit(progress(value));
  }
  expect(valuesOf(notes)).toEqual([1, 2, 3, 4, 5]);
});

test('who shows no figures reads how far it is', () => {
  const { notes, told, pass } = start();
  told.phases.begin(phases.answer('up'));
  told.reassure({ every: 20_000, percent: true });
  void told.emit(progress(2, { total: 3 }));
  pass(20_000);
  expect(notes.at(-1)?.params).toMatchObject({
    message: 'waiting for an answer from "up" (20 s, 66%)',
    total: 3,
  });
});

test('T2: without a token nothing of our own is said', () => {
  const { notes, told, pass } = start({ token: undefined });
  told.reassure({ every: 1_000 });
  told.phases.begin(phases.client);
  pass(60_000);
  expect(notes).toEqual([]);
});

test('an integer token stays one', () => {
  const { notes, told } = start({ token: '0' });
  told.phases.begin(phases.client);
  expect(notes[0]?.raw?.text).toContain('"progressToken":0');
});

test('T5: after the result nothing is said, and what comes late is dropped', async () => {
  const { host, notes, told, pass } = start();
  told.reassure({ every: 1_000 });
  told.end();
  told.phases.begin(phases.client);
  pass(10_000);
  void told.emit(progress(1));
  expect(notes).toEqual([]);
  expect(await host.dropped('progress_late')).toBe(1);
});

test('T11: a client that takes nothing is not sent more, and one that fails harms nobody', async () => {
  const slow = Promise.withResolvers<void>();
  const sent: McpNotification[] = [];
  const out = (each: McpNotification): Promise<void> => {
    sent.push(each);
    return slow.promise;
  };
  const { told, pass } = start({ out });
  told.reassure({ every: 1_000 });
  pass(10_000);
  expect(sent).toHaveLength(1);
  slow.reject(new Error('gone'));
  await slow.promise.catch(() => {});
  await Promise.resolve();
  pass(1_000);
  expect(sent).toHaveLength(2);
});

test('P4: what throws, or fails later, while it is told is counted, and goes no further', async () => {
  const { host, told, pass } = start({
    out() {
      throw new Error('broken');
    },
  });
  told.phases.begin(phases.client);
  pass(KEEP_ALIVE);
  expect(told.emit(progress(1))).toBeUndefined();
  expect(await host.dropped('progress_failed')).toBe(3);
  const later = start({ out: () => Promise.reject(new Error('gone')) });
  await expect(later.told.emit(progress(1))).rejects.toThrow('gone');
  later.told.phases.begin(phases.client);
  await Promise.resolve();
  expect(await later.host.dropped('progress_failed')).toBe(2);
});

test('T8: beyond all numbers nothing is said, since nothing would rise', () => {
  const { notes, told, pass } = start();
  told.reassure({ every: 1_000 });
  void told.emit(progress(Number.MAX_VALUE));
  pass(10_000);
  expect(notes).toHaveLength(1);
});

test('words of ours have 200 characters at most, none of them half', () => {
  const { notes, told, pass } = start();
  told.phases.begin({ name: '🙂'.repeat(500) });
  pass(1_000);
  expect([...String(notes[0]?.params.message)]).toHaveLength(200);
  expect([bounded('short'), [...bounded('é'.repeat(201))].length, bounded('🙂'.repeat(200))]).toEqual([
    'short',
    200,
    '🙂'.repeat(200),
  ]);
});
