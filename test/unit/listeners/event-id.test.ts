// Ids of events: read back as written, and nothing else is one.
import { expect, test } from 'bun:test';
import { readEventId, streamName, writeEventId } from '../../../src/listeners/event-id.ts';
import { rawId } from '../../../src/protocol/jsonrpc.ts';

const base = { kind: 'answer', stream: streamName(), place: 0, request: undefined, last: false } as const;

for (const request of [undefined, rawId(1), rawId('1'), rawId(''), rawId('ü "x"')]) {
  for (const last of [true, false]) {
    for (const kind of ['answer', 'standing'] as const) {
      test(`${kind} ${request?.text} ${last} is read back, and fits a header`, () => {
        const id = { kind, stream: streamName(), place: 17, request, last };
        const text = writeEventId(id);
        expect(text).toMatch(/^[\x21-\x7e]+$/);
        expect(readEventId(text)).toEqual(id);
      });
    }
  }
}

test('a request id that is too long to repeat is left out', () => {
  const text = writeEventId({ ...base, request: rawId('x'.repeat(200)) });
  expect(readEventId(text)).toEqual(base);
});

test('no two streams have one name', () => {
  expect(new Set(Array.from({ length: 1_000 }, streamName)).size).toBe(1_000);
});

test('what was never written here is none', () => {
  const { stream } = base;
  for (const text of [
    '',
    '1',
    'constructor',
    `b.${stream}.1`,
    `a.${stream}.-1`,
    `a.${stream}.01`,
    `a.${stream}.1e3`,
    `a.${stream}`,
    `a.${stream}x.1`,
    `a.${stream}.1.!`,
    `a.${stream}.1.MQ.more`,
    ` a.${stream}.1`,
    `a.${stream}.1\n`,
    `a.${stream}.9999999999999999`,
  ])
    expect(readEventId(text)).toBeUndefined();
  // A request id that is none is no reason to forget the stream.
  const odd = Buffer.from('{}').toString('base64url');
  expect(readEventId(`a.${stream}.0.${odd}`)).toEqual(base);
});
