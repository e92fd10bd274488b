// F1–F9 of an upstream of HTTP+SSE, for clients of both eras: on the stream that brings its answers, and to the POST.
import { beforeAll, describe, expect, test } from 'bun:test';
import { until } from '../fixtures/until.ts';
import type { Outcome } from './fault.ts';
import { bodyOf, head, resultOf, SECRET, write } from './faulty.ts';
import { type Asked, chunk, good, type OlderFault, startOlder } from './older.ts';
import { clientOf, ERAS, nothingAtWork, onStage, startHealthy, told, unharmed } from './scene.ts';

interface Row extends OlderFault {
  readonly expected: Outcome;
  readonly timeouts?: object;
  readonly limits?: Readonly<Record<string, unknown>>;
}

const DRIP_MS = 20;
const unavailable = (says: string): Outcome => ({ code: 'UPSTREAM_UNAVAILABLE', says });
const refused = (says: string): Outcome => ({ code: 'UPSTREAM_REFUSED', says });
const invalid = (says: string): Outcome => ({ code: 'UPSTREAM_INVALID', says });

const late = (timeout: 'first_byte' | 'idle' | 'total', expected: Partial<Outcome> = {}) => ({
  timeouts: { [timeout]: '250ms' },
  expected: {
    code: 'UPSTREAM_TIMEOUT',
    timeout,
    says: `timeouts.${timeout} (250 ms)`,
    ...expected,
  } as const,
});

/** Whatever it sends is no answer, so that the call waits for one. */
const sending = (what: string, message: (id: number) => unknown, dropped?: string): Row => ({
  row: 'F8',
  what,
  act: ({ id, stream }) => void stream.write(chunk(bodyOf('sse', JSON.stringify(message(id))))),
  ...late('first_byte', dropped === undefined ? {} : { dropped }),
});

const posted = (status: number, expected: Outcome, headers = {}): Row => ({
  row: 'F7',
  what: `answers the POST with ${status}`,
  post: ({ post, answer }) => write(post, status, answer, headers),
  expected,
});

const half = ({ answer }: Asked): string => answer.slice(0, -20);

const ROWS: readonly Row[] = [
  {
    row: 'F1',
    what: 'closes the connection of the POST before the head',
    post: ({ post }) => void post.end(),
    expected: unavailable('did not answer at http://127.0.0.1:'),
  },
  {
    row: 'F1',
    what: 'resets it',
    post: ({ post }) => void post.resetAndDestroy(),
    expected: unavailable('did not answer at http://127.0.0.1:'),
  },
  {
    row: 'F1',
    what: 'ends its stream before the answer',
    act: ({ stream }) => void stream.end('0\r\n\r\n'),
    expected: unavailable('its event stream ended'),
  },
  {
    row: 'F2',
    what: 'cuts its stream in the middle of a chunk',
    act: (asked) => void asked.stream.end(chunk(asked.progress) + chunk(asked.answer).slice(0, -30)),
    expected: unavailable('its event stream broke'),
  },
  {
    row: 'F2',
    what: 'ends its stream in the middle of an event',
    act: (asked) => void asked.stream.end(`${chunk(asked.progress + half(asked))}0\r\n\r\n`),
    expected: unavailable('its event stream ended'),
  },
  {
    row: 'F2',
    what: 'resets its stream in the middle of an event',
    act: (asked) => asked.stream.write(chunk(half(asked)), () => asked.stream.resetAndDestroy()),
    expected: unavailable('its event stream broke'),
  },
  { row: 'F4', what: 'takes a call and answers nothing', act() {}, ...late('first_byte') },
  { row: 'F4', what: 'never answers the POST', post() {}, ...late('first_byte') },
  {
    row: 'F4',
    what: 'hangs after progress, in the middle of an event',
    half: true,
    act: (asked) => void asked.stream.write(chunk(asked.progress + half(asked))),
    ...late('idle'),
  },
  {
    row: 'F5',
    what: 'drips comments',
    act: ({ stream, every }) => every(DRIP_MS, () => stream.write(chunk(':\n\n'))),
    ...late('first_byte'),
  },
  {
    row: 'F5',
    what: 'drips its answer',
    half: true,
    act({ stream, answer, every }) {
      let at = 0;
      every(DRIP_MS, () => stream.write(chunk(answer[at++] ?? ':')));
    },
    ...late('first_byte'),
  },
  {
    row: 'F5',
    what: 'drips progress',
    act: ({ stream, progress, every }) => every(DRIP_MS, () => stream.write(chunk(progress))),
    ...late('total'),
  },
  {
    row: 'F6',
    what: 'answers the POST with garbage',
    post: ({ post }) => void post.end(Buffer.from(Array.from({ length: 512 }, (_, at) => (at * 31) % 256))),
    expected: unavailable('did not answer at http://127.0.0.1:'),
  },
  {
    row: 'F6',
    what: 'breaks the framing of its stream',
    act: ({ stream }) => void stream.write('zz\r\nno chunk\r\n'),
    expected: unavailable('its event stream broke'),
  },
  posted(500, unavailable('answered 500')),
  posted(503, unavailable('answered 503 (retry after 120)'), { 'retry-after': '120' }),
  posted(429, unavailable('answered 429 (retry after 7)'), { 'retry-after': '7' }),
  posted(401, refused('credential (401)'), { 'www-authenticate': 'Bearer realm="x"' }),
  posted(403, refused('credential (403)')),
  {
    row: 'F7',
    what: 'redirects the POST',
    post: ({ post, elsewhere }) => write(post, 307, '', { location: elsewhere }),
    expected: refused('redirects (307 to '),
  },
  {
    row: 'F8',
    what: 'answers the POST with a page, and the call on its stream',
    post(asked) {
      write(asked.post, 200, '<h1>Accepted</h1>', { 'content-type': 'text/html' });
      good(asked);
    },
    expected: {},
  },
  sending('answers another id', (id) => resultOf('2025', id + 1000), 'late_result'),
  sending('answers the id as text', (id) => resultOf('2025', String(id)), 'late_result'),
  sending('answers without an id', () => ({ ...resultOf('2025', 0), id: undefined }), 'upstream_garbage'),
  sending(
    'answers with result and error',
    (id) => ({ ...resultOf('2025', id), error: { code: 1, message: 'both' } }),
    'upstream_garbage',
  ),
  sending('sends what is no message', () => ['junk'], 'upstream_garbage'),
  sending('asks instead of answering', () => ({ jsonrpc: '2.0', id: 1, method: 'ping' })),
  {
    row: 'F8',
    what: 'answers twice',
    act: ({ stream, answer }) => void stream.write(chunk(answer) + chunk(answer)),
    expected: { dropped: 'late_result' },
  },
  {
    row: 'F8',
    what: 'gives its answer another event name',
    act: ({ stream, answer }) => void stream.write(chunk(answer.replace('event: message', 'event: other'))),
    ...late('first_byte'),
  },
  {
    row: 'F9',
    what: 'answers more than may be',
    act: ({ stream }) => void stream.write(chunk(`data: "${'x'.repeat(100_000)}`)),
    limits: { event: '64KiB' },
    expected: invalid('more than limits.event allows (65536 bytes)'),
  },
  {
    row: 'F9',
    what: 'answers the POST with 300 KB of header',
    post: ({ post }) => write(post, 202, '', { 'x-long': 'x'.repeat(300_000) }),
    expected: unavailable('longer than 65536 bytes'),
  },
  {
    row: 'F9',
    what: 'says 1,000 times to go on, then takes it',
    post(asked) {
      asked.post.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000));
      asked.post.write(head(202, { 'content-length': '0' }));
      good(asked);
    },
    expected: {},
  },
];

async function run(row: Row): Promise<void> {
  const healthy = await startHealthy();
  const older = await startOlder(row, healthy.url);
  const concurrency = { max: ERAS.length, queue: 0 };
  const bad = { url: older.url, type: 'sse', concurrency, timeouts: row.timeouts ?? {} };
  await onStage({ bad, good: healthy }, row.limits ?? {}, async (gateway) => {
    const clients = await Promise.all(ERAS.map((era) => clientOf(gateway.url, era)));
    const failing = clients.map((calling, id) => calling('bad', id));
    await until(() => older.calls === clients.length);
    await Promise.all(clients.map(unharmed));
    for (const [id, got] of failing.entries()) await told(await got, id, row.expected, SECRET);
    older.heal();
    for (const [id, calling] of clients.entries()) await told(await calling('bad', id), id, {}, SECRET);
    await nothingAtWork(gateway);
    expect(older.calls).toBe(clients.length * 2);
    expect(healthy.of('tools/call').length).toBe(clients.length * 3);
    const { code, timeout, dropped } = row.expected;
    if (code) expect(await gateway.figure('upstreamErrors', { upstream: 'bad', code })).toBe(2);
    if (timeout) await until(() => older.cancelled === 2);
    if (dropped) expect(await gateway.figure('dropped', { reason: dropped })).toBe(2);
  });
  await until(() => older.open === 0);
  await older.stop();
  await healthy.stop();
}

/** What the runtime opens once, on first use, is none of a fault's. */
beforeAll(() => run({ row: 'F7', what: 'nothing', act: good, expected: {} }));

describe('an upstream of HTTP+SSE that', () => {
  for (const row of ROWS) test(`${row.what} (${row.row})`, () => run(row));
});
