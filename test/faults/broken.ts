// F1, F2, F3, F6: an upstream that breaks off, or speaks no HTTP.
import type { Fault, Outcome } from './fault.ts';
import { type Asked, type Form, head, typeOf } from './faulty.ts';

const BOTH: readonly Form[] = ['json', 'sse'];
/** The head never comes, so nothing says which form it would have been. */
const NEITHER: readonly Form[] = ['json'];

const half = ({ body }: Asked): string => body.slice(0, body.length - 20);
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const chunked = (asked: Asked): string => head(200, { ...typeOf(asked), 'transfer-encoding': 'chunked' });
/** Without a length: it ends with the connection. */
const endless = (asked: Asked): string => head(200, { ...typeOf(asked), connection: 'close' });
const sized = (asked: Asked, more: number): string => {
  const length = Buffer.byteLength(asked.before + asked.body) + more;
  return head(200, { ...typeOf(asked), 'content-length': String(length) });
};
const reset = ({ socket }: Asked): void => void socket.resetAndDestroy();

const brokenOff: Outcome = { code: 'UPSTREAM_UNAVAILABLE', says: 'broke off' };
const unanswered: Outcome = { code: 'UPSTREAM_UNAVAILABLE', says: 'did not answer at http://127.0.0.1:' };
const closed: Outcome = { code: 'UPSTREAM_UNAVAILABLE', says: 'closed the stream before the result' };
/** What counts in a stream is the event, which is whole. */
const whole: Outcome = {};

export const BROKEN: readonly Fault[] = [
  {
    row: 'F1',
    what: 'closes before the head',
    forms: NEITHER,
    act: ({ socket }) => void socket.end(),
    expected: unanswered,
  },
  { row: 'F1', what: 'resets before the head', forms: NEITHER, act: reset, expected: unanswered },
  {
    row: 'F1',
    what: 'closes in the middle of the head',
    forms: BOTH,
    act: (asked) => void asked.socket.end(sized(asked, 0).slice(0, -10)),
    expected: unanswered,
  },
  {
    row: 'F2',
    what: 'closes short of its Content-Length',
    forms: BOTH,
    act: (asked) => void asked.socket.end(sized(asked, 0) + asked.before + half(asked)),
    expected: brokenOff,
  },
  {
    row: 'F2',
    what: 'announces more than it has',
    forms: BOTH,
    act: (asked) => void asked.socket.end(sized(asked, 1) + asked.before + asked.body),
    expected: { json: brokenOff, sse: whole },
  },
  {
    row: 'F2',
    what: 'cuts a chunk',
    forms: BOTH,
    act: (asked) =>
      void asked.socket.end(
        chunked(asked) + (asked.before && chunk(asked.before)) + chunk(asked.body).slice(0, -30),
      ),
    expected: brokenOff,
  },
  {
    row: 'F2',
    what: 'leaves out the last chunk',
    forms: BOTH,
    act: (asked) => void asked.socket.end(chunked(asked) + chunk(asked.before + asked.body)),
    expected: { json: brokenOff, sse: whole },
  },
  {
    row: 'F2',
    what: 'resets in the middle of the body',
    forms: BOTH,
    act: (asked) => asked.socket.write(sized(asked, 0) + asked.before + half(asked), () => reset(asked)),
    expected: brokenOff,
  },
  {
    row: 'F2',
    what: 'ends its chunks in the middle of the message',
    forms: BOTH,
    framed: true,
    act: (asked) => void asked.socket.write(`${chunked(asked)}${chunk(asked.before + half(asked))}0\r\n\r\n`),
    expected: { json: { code: 'UPSTREAM_INVALID', says: 'without a result' }, sse: closed },
  },
  {
    row: 'F3',
    what: 'cuts a body that ends with the connection',
    forms: BOTH,
    act: (asked) => void asked.socket.end(endless(asked) + asked.before + half(asked)),
    expected: { json: { code: 'UPSTREAM_INVALID', says: 'without a result' }, sse: closed },
  },
  {
    row: 'F3',
    what: 'resets a body that ends with the connection',
    forms: BOTH,
    act: (asked) => asked.socket.write(endless(asked) + asked.before + half(asked), () => reset(asked)),
    expected: { json: brokenOff, sse: brokenOff },
  },
  {
    row: 'F6',
    what: 'answers with garbage',
    forms: NEITHER,
    act: ({ socket }) =>
      void socket.end(Buffer.from(Array.from({ length: 512 }, (_, at) => (at * 31) % 256))),
    expected: unanswered,
  },
  {
    row: 'F6',
    what: 'answers with a TLS record',
    forms: NEITHER,
    act: ({ socket }) => void socket.end(Buffer.from([0x15, 3, 1, 0, 2, 2, 0x28])),
    expected: unanswered,
  },
  {
    row: 'F6',
    what: 'answers in HTTP/0.9: a body without a head',
    forms: BOTH,
    act: (asked) => void asked.socket.end(asked.body),
    expected: unanswered,
  },
  {
    row: 'F6',
    what: 'answers with two lengths',
    forms: BOTH,
    act: (asked) =>
      void asked.socket.write(
        `HTTP/1.1 200 OK\r\ncontent-length: 5\r\n${sized(asked, 0).slice(sized(asked, 0).indexOf('\n') + 1)}${asked.before}${asked.body}`,
      ),
    expected: unanswered,
  },
];
