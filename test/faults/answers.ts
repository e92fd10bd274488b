// F7, F8, F9: an upstream that answers in HTTP, and wrongly.
import { gzipSync } from 'node:zlib';
import type { Fault, Outcome } from './fault.ts';
import { type Asked, bodyOf, type Form, good, head, JSON_TYPE, resultOf, typeOf, write } from './faulty.ts';

const BOTH: readonly Form[] = ['json', 'sse'];
const NEITHER: readonly Form[] = ['json'];

const unavailable = (says: string): Outcome => ({ code: 'UPSTREAM_UNAVAILABLE', says });
const refused = (says: string): Outcome => ({ code: 'UPSTREAM_REFUSED', says });
const invalid = (says: string): Outcome => ({ code: 'UPSTREAM_INVALID', says });
const NO_RESULT: Readonly<Record<Form, Outcome>> = {
  json: invalid('ended its answer without a result'),
  sse: unavailable('closed the stream before the result'),
};

/** What counts for the client, and what is counted beside. */
const counted = (reason: string): Readonly<Record<Form, Outcome>> => ({
  json: { ...NO_RESULT.json, dropped: reason },
  sse: { ...NO_RESULT.sse, dropped: reason },
});

/** Any status, with a body that would be good in a 200. */
function status(code: number, says: Outcome, headers: Readonly<Record<string, string>> = {}): Fault {
  return {
    row: 'F7',
    what: `answers ${code}`,
    forms: BOTH,
    act: (asked) => write(asked.socket, code, asked.body, { ...typeOf(asked), ...headers }),
    expected: says,
  };
}

/** A whole answer with other messages in it than the good one. */
const sending =
  (messages: (asked: Asked) => unknown[]) =>
  (asked: Asked): void => {
    const all = messages(asked).map((each) => bodyOf(asked.form, JSON.stringify(each)));
    write(asked.socket, 200, all.join(''), typeOf(asked));
  };

const rows = (row: Fault['row'], faults: readonly Omit<Fault, 'row'>[]): Fault[] =>
  faults.map((fault) => ({ row, ...fault }));

export const ANSWERS: readonly Fault[] = [
  status(500, unavailable('answered 500')),
  status(502, unavailable('answered 502')),
  status(503, unavailable('answered 503 (retry after 120)'), { 'retry-after': '120' }),
  status(429, unavailable('answered 429 (retry after 7)'), { 'retry-after': '7' }),
  status(401, refused('credential (401)'), {
    'www-authenticate': 'Bearer resource_metadata="http://evil.invalid"',
  }),
  status(403, refused('credential (403)')),
  ...rows(
    'F7',
    [301, 302, 303, 307, 308].map((code) => ({
      what: `redirects with ${code}`,
      forms: NEITHER,
      act: ({ socket, elsewhere }) => write(socket, code, '', { location: elsewhere }),
      expected: refused(`redirects (${code} to `),
    })),
  ),
  ...rows('F7', [
    {
      what: 'answers 204 to a request',
      forms: NEITHER,
      act: ({ socket }) => write(socket, 204),
      expected: invalid('answered 204 with no content'),
    },
    {
      what: 'answers 202 to a request',
      forms: NEITHER,
      act: ({ socket }) => write(socket, 202),
      expected: invalid('answered 202 with no content'),
    },
    {
      what: 'answers 404, and again in a new session',
      forms: NEITHER,
      act: ({ socket }) => write(socket, 404, 'gone', { 'content-type': 'text/plain' }),
      expected: { ...unavailable('does not know the session or the path any more'), requests: 2 },
    },
  ]),
  ...rows('F8', [
    {
      what: 'answers with a page',
      forms: NEITHER,
      act: ({ socket }) => write(socket, 200, '<h1>Log in</h1>', { 'content-type': 'text/html' }),
      expected: invalid('answered 200 with text/html'),
    },
    {
      what: 'calls its answer plain text',
      forms: BOTH,
      act: ({ socket, body }) => write(socket, 200, body, { 'content-type': 'text/plain' }),
      expected: invalid('answered 200 with text/plain'),
    },
    {
      what: 'does not say what its answer is',
      forms: BOTH,
      act: ({ socket, body }) => write(socket, 200, body),
      expected: invalid('answered 200 with no content'),
    },
    {
      what: 'calls a stream JSON',
      forms: NEITHER,
      act: ({ socket, era, id }) =>
        write(socket, 200, bodyOf('sse', JSON.stringify(resultOf(era, id))), JSON_TYPE),
      expected: { ...NO_RESULT.json, dropped: 'upstream_garbage' },
    },
    {
      what: 'calls JSON a stream',
      forms: NEITHER,
      act: ({ socket, body }) => write(socket, 200, body, typeOf({ form: 'sse' })),
      expected: NO_RESULT.sse,
    },
    {
      what: 'answers another id',
      forms: BOTH,
      act: sending(({ era, id }) => [resultOf(era, id + 1000)]),
      expected: counted('late_result'),
    },
    {
      what: 'answers the id as text',
      forms: BOTH,
      act: sending(({ era, id }) => [resultOf(era, String(id))]),
      expected: counted('late_result'),
    },
    {
      what: 'answers without an id',
      forms: BOTH,
      act: sending(({ era }) => [{ ...resultOf(era, 0), id: undefined }]),
      expected: counted('upstream_garbage'),
    },
    {
      what: 'answers with result and error',
      forms: BOTH,
      act: sending(({ era, id }) => [{ ...resultOf(era, id), error: { code: 1, message: 'both' } }]),
      expected: counted('upstream_garbage'),
    },
    {
      what: 'answers twice',
      forms: ['sse'],
      act: sending(({ era, id }) => [resultOf(era, id), resultOf(era, id)]),
      expected: { dropped: 'late_result' },
    },
    {
      what: 'answers in a batch, with more than was asked',
      forms: BOTH,
      act: sending(({ era, id }) => [[resultOf(era, id), resultOf(era, id + 1000), { junk: true }]]),
      expected: { dropped: 'late_result' },
    },
    {
      what: 'answers with a request',
      forms: BOTH,
      act: sending(() => [{ jsonrpc: '2.0', id: 1, method: 'ping' }]),
      expected: NO_RESULT,
    },
  ]),
  ...rows('F9', [
    {
      what: 'answers with a gzip bomb, unasked',
      forms: BOTH,
      framed: true,
      act: (asked) =>
        write(asked.socket, 200, gzipSync(asked.body.padEnd(64 << 20)), {
          ...typeOf(asked),
          'content-encoding': 'gzip',
        }),
      // It is never inflated.
      expected: { json: invalid('UTF-8'), sse: NO_RESULT.sse },
    },
    {
      what: 'answers more than may be',
      forms: BOTH,
      act(asked) {
        asked.socket.write(head(200, typeOf(asked)));
        const begin = asked.form === 'json' ? '"' : 'data: "';
        asked.socket.write(begin + 'x'.repeat(100_000));
      },
      limits: { response: '64KiB', event: '64KiB' },
      expected: {
        json: invalid('more than limits.response allows (65536 bytes)'),
        sse: invalid('more than limits.event allows (65536 bytes)'),
      },
    },
    {
      what: 'answers with 300 KB of header',
      forms: BOTH,
      act: (asked) =>
        write(asked.socket, 200, asked.body, { ...typeOf(asked), 'x-long': 'x'.repeat(300_000) }),
      expected: unavailable('longer than 65536 bytes'),
    },
    {
      what: 'answers with 300 KB of headers',
      forms: BOTH,
      act: (asked) =>
        write(asked.socket, 200, asked.body, {
          ...typeOf(asked),
          ...Object.fromEntries(Array.from({ length: 3_000 }, (_, at) => [`x-${at}`, 'x'.repeat(90)])),
        }),
      expected: unavailable('longer than 65536 bytes'),
    },
    {
      what: 'says 1,000 times to go on, then answers',
      forms: BOTH,
      framed: true,
      act(asked) {
        asked.socket.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000));
        good(asked);
      },
      expected: {},
    },
    {
      what: 'says without end to go on',
      forms: NEITHER,
      act(asked) {
        asked.every(1, () => asked.socket.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000)));
      },
      timeouts: { first_byte: '250ms' },
      expected: { code: 'UPSTREAM_TIMEOUT', timeout: 'first_byte', says: 'timeouts.first_byte' },
    },
  ]),
];
