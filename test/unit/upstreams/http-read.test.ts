// Reading an answer: no faster than the client takes it, no more than the limits allow, and no longer than needed.
import { describe, expect, test } from 'bun:test';
import { Flow } from '../../../src/lib/flow.ts';
import type { Message } from '../../../src/protocol/jsonrpc.ts';
import { SseReader } from '../../../src/protocol/sse.ts';
import type { HttpAnswer } from '../../../src/upstreams/http-client.ts';
import { mediaType, type Reading, readBody, readEvents, readText } from '../../../src/upstreams/http-read.ts';
import { testHost } from '../../fixtures/exchanges.ts';
import { limits } from '../../fixtures/specs.ts';

/** An answer in these pieces; `pulled` counts those that were asked for, `ended` tells how reading stopped. */
function answerOf(pieces: readonly (string | Buffer)[], contentType = '') {
  const seen = { pulled: 0, left: false, finished: false };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (const piece of pieces) {
        seen.pulled++;
        yield Buffer.from(piece);
      }
    } finally {
      seen.left = true;
    }
  }
  const finish = (): void => {
    seen.finished = true;
  };
  const answer: HttpAnswer = {
    status: 200,
    header: () => contentType,
    chunks: chunks(),
    finish,
    discard() {},
  };
  return { answer, seen };
}

function reading(message: Reading['message'], changes: Partial<typeof limits> = {}) {
  const garbage: string[] = [];
  const host = testHost();
  return {
    garbage,
    host,
    reading: {
      upstream: 'up',
      host,
      limits: { ...limits, ...changes },
      message,
      garbage: (what: string) => void garbage.push(what),
    },
  };
}

const note = (n: number): string => `{"jsonrpc":"2.0","method":"n","params":{"n":${n}}}`;
const events = (...texts: string[]): string => texts.map((text) => `data: ${text}\n\n`).join('');
const reader = (eventBytes = 1_000): SseReader => new SseReader({ eventBytes });

describe('events', () => {
  test('are read no faster than they are taken', async () => {
    const gates: (() => void)[] = [];
    const taken: Message[] = [];
    const { answer, seen } = answerOf([events(note(1), note(2)), events(note(3)), events(note(4))]);
    const slow = reading((message) => {
      taken.push(message);
      return new Promise((resolve) => gates.push(resolve));
    });
    const done = readEvents(answer, reader(), slow.reading, () => false);
    for (let n = 1; n <= 4; n++) {
      while (gates.length === 0) await Promise.resolve();
      expect([taken.length, seen.pulled]).toEqual([n, Math.max(1, n - 1)]);
      gates.shift()?.();
    }
    await done;
  });

  test('are no longer wanted when the result is there; the connection is left in order', async () => {
    let heard = 0;
    const { answer, seen } = answerOf([events(note(1)), events(note(2)), events(note(3))]);
    await readEvents(answer, reader(), reading(() => void heard++).reading, () => heard === 2);
    expect([heard, seen]).toEqual([2, { pulled: 2, left: true, finished: true }]);
  });

  test('before one that is too large are heard; that one is an error that names the limit', async () => {
    let heard = 0;
    const { answer, seen } = answerOf([`${events(note(1))}data: ${'x'.repeat(2_000)}\n\n`, events(note(2))]);
    const reads = readEvents(
      answer,
      reader(),
      reading(() => void heard++, { event: 1_000 }).reading,
      () => false,
    );
    await expect(reads).rejects.toThrow(
      'The upstream "up" answered more than limits.event allows (1000 bytes).',
    );
    expect([heard, seen]).toEqual([1, { pulled: 1, left: true, finished: false }]);
  });

  test('that are no messages are garbage, priming and foreign events are nothing', async () => {
    const { answer } = answerOf([
      'id: 1\ndata:\n\n',
      'event: ping\ndata: {}\n\n',
      'event: message\ndata: {"a":1}\n\n',
      ': x\n\n',
      events('[]', 'null'),
    ]);
    const { reading: on, garbage } = reading(() => undefined);
    await readEvents(answer, reader(), on, () => false);
    expect(garbage.length).toBe(3);
  });

  test('an error of whoever takes them is not taken for garbage', async () => {
    const { answer } = answerOf([events(note(1))]);
    const failing = reading(() => Promise.reject(new Error('ours')));
    await expect(readEvents(answer, reader(), failing.reading, () => false)).rejects.toThrow('ours');
    expect(failing.garbage).toEqual([]);
  });
});

describe('a body', () => {
  test('is read to its end, BOM or not, and to the byte', async () => {
    const { reading: on } = reading(() => undefined, { response: 6 });
    expect(await readBody(answerOf(['\ufeff', 'ab', 'c']).answer, on)).toBe('abc');
    expect(await readBody(answerOf(['abcdef']).answer, on)).toBe('abcdef');
    await expect(readBody(answerOf(['abc', 'defg']).answer, on)).rejects.toThrow(
      'more than limits.response allows (6 bytes)',
    );
    expect(await readBody(answerOf([]).answer, on)).toBe('');
  });

  test('of many messages is cut into them, of which each counts by itself', async () => {
    const heard: string[] = [];
    const { reading: on, garbage } = reading((message) => void heard.push(message.kind));
    await readText(
      `[${note(1)}, 7, {"jsonrpc":"2.0","id":1,"result":{}}, {"jsonrpc":"2.0"}, ${note(2)}]`,
      on,
    );
    await readText('[]', on);
    await readText('[1', on);
    expect(heard).toEqual(['notification', 'result', 'notification']);
    expect(garbage.length).toBe(4);
  });
});

test.each([
  ['application/json', 'application/json'],
  ['Application/JSON; charset=utf-8', 'application/json'],
  [' text/event-stream ;x=y', 'text/event-stream'],
  ['application/json2', 'application/json2'],
  ['', ''],
])('the media type of %p is %p', (header, type) => {
  expect(mediaType(answerOf([], header).answer)).toBe(type);
});

test('a result that is passed on is given up with the stream that cannot be read any more', async () => {
  const flow = new Flow(1_000);
  const { reading: on } = reading(() => undefined);
  const long = (head: Uint8Array): Flow => {
    flow.push(head);
    return flow;
  };
  const { answer } = answerOf(['data: {"result":{"a', '":1}\n', Buffer.from([0x69, 0x64, 0x3a, 0xff, 10])]);
  const read = readEvents(answer, new SseReader({ eventBytes: 1_000, longFrom: 10 }, long), on, () => true);
  await expect(read).rejects.toThrow('answered invalid UTF-8');
  await expect(flow.take()).rejects.toThrow('answered invalid UTF-8');
});
