// F4, F5, F10: an upstream that takes its time.
import type { Fault, Outcome } from './fault.ts';
import { type Asked, type Form, head, typeOf } from './faulty.ts';

const BOTH: readonly Form[] = ['json', 'sse'];
const NEITHER: readonly Form[] = ['json'];
/** The deadlines under test, in a test short. */
const SHORT = '250ms';
const LATE: Outcome = {
  code: 'UPSTREAM_TIMEOUT',
  timeout: 'first_byte',
  says: 'timeouts.first_byte (250 ms)',
};
const IDLE: Outcome = { code: 'UPSTREAM_TIMEOUT', timeout: 'idle', says: 'timeouts.idle (250 ms)' };
const TOTAL: Outcome = { code: 'UPSTREAM_TIMEOUT', timeout: 'total', says: 'timeouts.total (400 ms)' };
const DRIP_MS = 20;

const sized = (asked: Asked): string =>
  head(200, { ...typeOf(asked), 'content-length': String(Buffer.byteLength(asked.before + asked.body)) });

/** One byte after the other, so that it is never silent for long. */
function drip(asked: Asked, text: string): void {
  let at = 0;
  asked.every(DRIP_MS, () => {
    if (at < text.length) asked.socket.write(text[at++] ?? '');
  });
}

export const SLOW: readonly Fault[] = [
  {
    row: 'F4',
    what: 'hangs before the head',
    forms: NEITHER,
    act() {},
    timeouts: { first_byte: SHORT },
    expected: LATE,
  },
  {
    row: 'F4',
    what: 'hangs in the middle of the head',
    forms: BOTH,
    act: (asked) => void asked.socket.write(sized(asked).slice(0, -10)),
    timeouts: { first_byte: SHORT },
    expected: LATE,
  },
  {
    row: 'F4',
    what: 'hangs after the head',
    forms: BOTH,
    act: (asked) => void asked.socket.write(sized(asked)),
    timeouts: { idle: SHORT },
    expected: IDLE,
  },
  {
    row: 'F4',
    what: 'hangs in the middle of the body',
    forms: BOTH,
    act: (asked) => void asked.socket.write(sized(asked) + asked.before + asked.body.slice(0, -20)),
    timeouts: { idle: SHORT },
    expected: IDLE,
  },
  {
    row: 'F5',
    what: 'drips its head',
    forms: NEITHER,
    act: (asked) => drip(asked, sized(asked)),
    timeouts: { first_byte: SHORT },
    expected: LATE,
  },
  {
    row: 'F5',
    what: 'drips its body',
    forms: BOTH,
    act(asked) {
      asked.socket.write(sized(asked) + asked.before);
      drip(asked, asked.body);
    },
    timeouts: { total: '400ms' },
    expected: TOTAL,
  },
  {
    row: 'F5',
    what: 'drips comments',
    forms: ['sse'],
    act(asked) {
      asked.socket.write(head(200, typeOf(asked)) + asked.before);
      asked.every(DRIP_MS, () => asked.socket.write(':\n\n'));
    },
    timeouts: { total: '400ms' },
    expected: TOTAL,
  },
  {
    row: 'F5',
    what: 'drips progress',
    forms: ['sse'],
    act(asked) {
      asked.socket.write(head(200, typeOf(asked)));
      asked.every(DRIP_MS, () => asked.socket.write(asked.before));
    },
    timeouts: { total: '400ms' },
    expected: TOTAL,
  },
];
