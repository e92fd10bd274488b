// What a client hears of its call's progress over several rounds, and while it is asked.
import { expect, jest, test } from 'bun:test';
import { callProgress } from '../../../src/listeners/call-progress.ts';
import { McpNotification } from '../../../src/protocol/message.ts';
import { collector, testHost } from '../../fixtures/exchanges.ts';

const progress = (value: unknown) =>
  McpNotification.of('notifications/progress', { progressToken: 't', progress: value as number });

function start(token?: string) {
  const host = testHost();
  const { notes, emit } = collector();
  return { host, notes, told: callProgress(token, emit, host) };
}

test('a round that begins anew does not take it back', async () => {
  const { host, notes, told } = start('"t"');
  for (const value of [1, 5, 0, 4, 5, 6]) void told.emit(progress(value));
  void told.emit(McpNotification.of('notifications/message', { data: 'x' }));
  expect(notes.map(({ params }) => params.progress ?? params.data)).toEqual([1, 5, 5, 6, 'x']);
  expect(await host.dropped('progress_decreasing')).toBe(2);
});

test('while it waits it says so, again and again, each time a hair above, until it is stopped', () => {
  jest.useFakeTimers();
  try {
    const { notes, told } = start('"t"');
    const stop = told.waiting(1_000);
    jest.advanceTimersByTime(2_500);
    stop();
    jest.advanceTimersByTime(60_000);
    for (const value of [0.5, 3]) void told.emit(progress(value));
    told.waiting(1_000)();
    void told.emit(progress(3.25));
    const values = notes.map(({ params }) => Number(params.progress));
    expect(values.length).toBe(7);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    expect(new Set(values).size).toBe(7);
    expect(values.map((value) => Number(value.toFixed(9)))).toEqual([0, 0, 0, 0.5, 3, 3, 3.25]);
    expect(notes[0]?.params).toEqual({ progress: 0, message: 'waiting for your answer', progressToken: 't' });
  } finally {
    jest.useRealTimers();
  }
});

test('a client without a token hears nothing of it', () => {
  const { notes, told } = start();
  told.waiting(1)();
  expect(notes).toEqual([]);
});
