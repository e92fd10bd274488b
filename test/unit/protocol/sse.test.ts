// Server-sent events: the reader under every chunking, and the writer against the reader.

import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { SseError, type SseEvent, SseReader, sseComment, sseEvent } from '../../../src/protocol/sse.ts';

const utf8 = new TextEncoder();
const LIMITS = { eventBytes: 1_000_000 };

interface Reading {
  events: SseEvent[];
  lastEventId: string;
  retry: number | undefined;
}

function read(bytes: Uint8Array, cuts: readonly number[] = []): Reading {
  const reader = new SseReader(LIMITS);
  const events: SseEvent[] = [];
  const places = cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
  let from = 0;
  for (const to of [...places, bytes.length]) {
    // A copy which is wiped afterwards: the reader must not hold on to a caller's buffer.
    const chunk = bytes.slice(from, to);
    events.push(...reader.push(chunk));
    chunk.fill(0x2a);
    from = to;
  }
  reader.end();
  return { events, lastEventId: reader.lastEventId, retry: reader.retry };
}

/** The algorithm of the HTML standard over the whole text at once. */
function reference(text: string): Reading {
  const reading: Reading = { events: [], lastEventId: '', retry: undefined };
  let block: { event?: string; id?: string; data: string[] } = { data: [] };
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/);
  for (const line of lines.slice(0, -1)) {
    const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (line === '') {
      const data = block.data.join('\n');
      if (block.id !== undefined) reading.lastEventId = block.id;
      const { event, id } = block;
      if (block.data.length > 0)
        reading.events.push({ event: event || undefined, data, id, hasData: data !== '' });
      block = { data: [] };
    } else if (name === 'data') block.data.push(value);
    else if (name === 'event') block.event = value;
    else if (name === 'id' && !value.includes('\0')) block.id = value;
    else if (name === 'retry' && /^[0-9]+$/.test(value)) reading.retry = Number(value);
  }
  return reading;
}

const value = fc.oneof(
  fc.constantFrom('', 'x', ' x', '  ', '{"a":1}', '42', '4x', 'é', '😀:', '\ufeff', 'a\0b', 'message', '٣'),
  fc.string({ unit: 'binary', maxLength: 8 }).map((text) => text.replace(/[\r\n]/g, '')),
);
const line = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.constantFrom('data', 'data', 'event', 'id', 'retry', 'Data', 'dat', 'x', ''),
        fc.constantFrom(':', ': ', ''),
        value,
      )
      .map((parts) => parts.join('')),
  },
  { weight: 2, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: value },
);
const ending = fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\r', '\r\n\r\n');
const stream = fc
  .tuple(
    fc.constantFrom('', '', '\ufeff', '\ufeff\ufeff'),
    fc.array(fc.tuple(line, ending), { maxLength: 12 }),
    value,
  )
  .map(([bom, lines, rest]) => bom + lines.map((pair) => pair.join('')).join('') + rest);

describe('SseReader', () => {
  test('reads as the standard does, however the bytes are cut', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 10 }), (text, cuts) => {
        const expected = reference(text);
        expect(read(utf8.encode(text), cuts)).toEqual(expected);
        expect(read(utf8.encode(text))).toEqual(expected);
      }),
      { numRuns: 3000 },
    );
  });

  test('byte by byte, empty chunks between', () => {
    fc.assert(
      fc.property(stream, (text) => {
        const bytes = utf8.encode(text);
        const everywhere = Array.from({ length: bytes.length * 2 }, (_, i) => i >> 1);
        expect(read(bytes, everywhere)).toEqual(reference(text));
      }),
    );
  });

  test.each([
    ['data: a\ndata:b\n\n', ['a\nb']],
    ['data:  a\r\n\r\n', [' a']],
    ['data\n\n', ['']],
    ['data\ndata\n\n', ['\n']],
    [': comment\n\ndata: a\n: more\n\n', ['a']],
    ['event: ping\nid: 3\n\ndata: a\n\n', ['a']],
    ['data: a\n', []],
    ['data: a', []],
    ['data: a\n\ndata: lost\n', ['a']],
    ['\ufeffdata: a\n\n', ['a']],
    ['data: \ufeff{}\n\n', ['\ufeff{}']],
    ['\n\ufeffdata: a\n\n', []],
    ['\r\ufeffdata: a\n\n', []],
    [' data: a\n\n', []],
    ['DATA: a\n\n', []],
  ])('%j', (text, data) => {
    expect(read(utf8.encode(text)).events.map((event) => event.data)).toEqual(data);
  });

  test('a priming event carries no message but an id', () => {
    const { events, lastEventId } = read(utf8.encode('id: s/1\ndata:\n\n'));
    expect(events).toEqual([{ event: undefined, data: '', id: 's/1', hasData: false }]);
    expect(lastEventId).toBe('s/1');
  });

  test('ids: without data, reset by an empty one, not with NUL, not from a cut block', () => {
    const idAfter = (text: string) => read(utf8.encode(text)).lastEventId;
    expect(read(utf8.encode('id: 7\n\n'))).toEqual({ events: [], lastEventId: '7', retry: undefined });
    expect(idAfter('id: 1\ndata: a\n\nid\ndata: b\n\n')).toBe('');
    expect(idAfter('id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n')).toBe('1');
    expect(idAfter('id: 1\ndata: a\n\nid: 2\ndata: b\n')).toBe('1');
    const { events } = read(utf8.encode('id: 1\ndata: a\n\ndata: b\n\n'));
    expect(events.map((event) => event.id)).toEqual(['1', undefined]);
  });

  test('retry is digits only', () => {
    const retryAfter = (text: string) => read(utf8.encode(text)).retry;
    expect(retryAfter('retry: 1500\n\n')).toBe(1500);
    for (const bad of ['-1', '1.5', '1e3', ' 2', '', '٣', '+1'])
      expect(retryAfter(`retry: ${bad}\n\n`)).toBeUndefined();
    expect(retryAfter('retry: 5\nretry: x\n\n')).toBe(5);
    expect(retryAfter(`retry: ${'9'.repeat(400)}\n\n`)).toBe(2 ** 31 - 1);
  });
});

describe('limits', () => {
  const fault = (reader: SseReader, text: string): SseError | undefined => {
    try {
      reader.push(utf8.encode(text));
      return undefined;
    } catch (error) {
      if (error instanceof SseError) return error;
      throw error;
    }
  };
  const small = () => new SseReader({ eventBytes: 100 });

  test('an event over the limit is refused, whole, in lines, or without an end', () => {
    expect(fault(small(), `data:${'x'.repeat(95)}\n\n`)).toBeUndefined();
    expect(fault(small(), `data:${'x'.repeat(96)}\n\n`)?.kind).toBe('size');
    expect(fault(small(), `data:1\ndata:${'x'.repeat(88)}\n\n`)).toBeUndefined();
    expect(fault(small(), `data:1\ndata:${'x'.repeat(89)}\n\n`)?.kind).toBe('size');
    expect(fault(small(), 'data:\n'.repeat(17))?.kind).toBe('size');
    expect(fault(small(), 'x:yz\n'.repeat(21))?.kind).toBe('size');
    expect(fault(small(), 'x'.repeat(101))?.kind).toBe('size');
    const drip = small();
    for (let i = 0; i < 100; i++) expect(fault(drip, 'x')).toBeUndefined();
    expect(fault(drip, 'x')?.kind).toBe('size');
  });

  test('comments and small events for ever are not', () => {
    const reader = small();
    for (let i = 0; i < 1000; i++) expect(fault(reader, `: keep-alive\n:\ndata: ${i}\n\n`)).toBeUndefined();
    for (let i = 0; i < 1000; i++) expect(fault(reader, ': no blank line ever\n')).toBeUndefined();
  });

  test('what was complete before the fault is on the error', () => {
    const error = fault(small(), `data: ok\n\ndata: ${'x'.repeat(200)}`);
    expect(error?.events.map((event) => event.data)).toEqual(['ok']);
  });

  test('invalid UTF-8 in data is refused, in comments and unknown fields not looked at', () => {
    const bytes = (head: string) => new Uint8Array([...utf8.encode(head), 0xff, 0x0a, 0x0a]);
    expect(() => small().push(bytes('data: '))).toThrow('invalid UTF-8');
    expect(small().push(bytes(': '))).toEqual([]);
    expect(small().push(bytes('x: '))).toEqual([]);
  });

  test('a large event in many small chunks comes out whole, and is let go', () => {
    const reader = new SseReader({ eventBytes: 400_000 });
    const data = 'é'.repeat(150_000);
    const bytes = utf8.encode(`data: ${data}\n\ndata: next\n\n`);
    const events: SseEvent[] = [];
    for (let i = 0; i < bytes.length; i += 7) events.push(...reader.push(bytes.subarray(i, i + 7)));
    expect(events.map((event) => event.data === data || event.data)).toEqual([true, 'next']);
  });
});

describe('writer', () => {
  const word = fc.string({ unit: 'binary', maxLength: 8 }).map((text) => text.replace(/[\r\n\0]/g, ''));

  test('is read back, with line breaks as LF', () => {
    const data = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('\r', '\n', ' ', 'a', ':') }),
    );
    const options = fc.record({ id: word, event: word, retry: fc.nat() }, { requiredKeys: [] });
    fc.assert(
      fc.property(data, options, fc.array(fc.nat(), { maxLength: 5 }), (text, fields, cuts) => {
        const { events, lastEventId, retry } = read(utf8.encode(sseComment() + sseEvent(text, fields)), cuts);
        const written = text.replace(/\r\n|\r/g, '\n');
        const event = fields.event || undefined;
        expect(events).toEqual([{ event, data: written, id: fields.id, hasData: written !== '' }]);
        expect([lastEventId, retry]).toEqual([fields.id ?? '', fields.retry]);
      }),
      { numRuns: 1000 },
    );
  });

  test('pretty-printed JSON survives', () => {
    const json = JSON.stringify({ a: [1, { b: 'x\ny' }] }, null, 2);
    const [event] = read(utf8.encode(sseEvent(json))).events;
    expect(JSON.parse(event?.data ?? '')).toEqual(JSON.parse(json));
  });

  test('the text itself', () => {
    expect(sseEvent('{}')).toBe('data: {}\n\n');
    expect(sseEvent('', { id: 'a', retry: 10 })).toBe('id: a\nretry: 10\ndata:\n\n');
    expect(sseEvent('a\r\nb', { event: 'endpoint' })).toBe('event: endpoint\ndata: a\ndata: b\n\n');
    expect([sseComment(), sseComment('a\nb')]).toEqual([':\n', ': a\n: b\n']);
  });

  test('a comment is never an event', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(read(utf8.encode(sseComment(text)))).toEqual({
          events: [],
          lastEventId: '',
          retry: undefined,
        });
      }),
    );
  });

  test('fields that would break the framing are refused', () => {
    for (const bad of ['a\nb', 'a\rdata: x', 'a\0']) {
      expect(() => sseEvent('x', { id: bad })).toThrow(SseError);
      expect(() => sseEvent('x', { event: bad })).toThrow(SseError);
    }
    for (const retry of [-1, 1.5, Number.NaN]) expect(() => sseEvent('x', { retry })).toThrow(SseError);
  });
});
