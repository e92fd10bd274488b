// A stream of events to one client: order, patience, and the two ways it ends.
import { expect, test } from 'bun:test';
import { createEventStream } from '../../../src/listeners/event-stream.ts';

function make(buffer = 100) {
  let left = 0;
  const stream = createEventStream({ buffer, headers: { 'x-own': '1' }, gone: () => void left++ });
  return { stream, left: () => left };
}

test('has its head at once, and its events in order until its end', async () => {
  const { stream, left } = make();
  const { response } = stream;
  expect([response.headers.get('content-type'), response.headers.get('x-accel-buffering')]).toEqual([
    'text/event-stream',
    'no',
  ]);
  expect(response.headers.get('x-own')).toBe('1');
  stream.send('{"a":1}');
  stream.send('two\nlines');
  stream.end();
  expect(stream.open).toBe(false);
  expect(stream.send('late')).toBeUndefined();
  expect(await response.text()).toBe('data: {"a":1}\n\ndata: two\ndata: lines\n\n');
  await stream.done;
  expect(left()).toBe(0);
});

test('asks for patience when its buffer is full, until it is read', async () => {
  const { stream } = make(100);
  const patience = stream.send('x'.repeat(200));
  expect(patience).toBeInstanceOf(Promise);
  const text = stream.response.text();
  await patience;
  expect(stream.send('y')).toBeUndefined();
  stream.end();
  expect(await text).toBe(`data: ${'x'.repeat(200)}\n\ndata: y\n\n`);
});

test('says nothing beside what already waits', async () => {
  const { stream } = make();
  stream.comment();
  stream.comment();
  stream.send('a');
  stream.comment();
  stream.end();
  stream.comment();
  expect(await stream.response.text()).toBe(':\ndata: a\n\n');
});

test('tells once that its client has gone, and keeps nobody waiting', async () => {
  const { stream, left } = make(10);
  const patience = stream.send('x'.repeat(20));
  await stream.response.body?.cancel();
  await patience;
  await stream.done;
  expect([left(), stream.open, stream.send('late')]).toEqual([1, false, undefined]);
});
