// F13 and F15: a process that dies, or writes what it should not. The calls are tools of children/server.ts.
import type { Fault, Outcome } from './fault.ts';
import { type Era, resultOf, SECRET } from './faulty.ts';

export interface ChildFault extends Pick<Fault, 'row' | 'what' | 'timeouts' | 'limits'> {
  /** The call that meets it: a tool, and its arguments at a server of an era. */
  readonly tool: string;
  readonly args?: (era: Era) => object;
  readonly expected: Outcome;
  /** Another call that is at work then, and ends with the same error. */
  readonly alongside?: string;
  /** How often something was dropped. */
  readonly times?: number;
  /** Whether the process is gone afterwards, so that the next call starts another. */
  readonly dies?: boolean;
}

const gone = (says: string): Outcome => ({ code: 'UPSTREAM_UNAVAILABLE', says });

/** The good answer as a line, with the id of the call in place of `$id`. */
const line = (era: Era): string => JSON.stringify(resultOf(era, '$id')).replace('"$id"', '$id');
const saying =
  (...lines: readonly string[]) =>
  (era: Era) => ({ lines: [...lines, line(era)] });

export const CHILD_FAULTS: readonly ChildFault[] = [
  {
    row: 'F13',
    what: 'exits in the middle of a call',
    tool: 'exit',
    args: () => ({ code: 3 }),
    alongside: 'silent',
    dies: true,
    expected: gone('its process exited with code 3'),
  },
  {
    row: 'F13',
    what: 'exits with 0 in the middle of a call',
    tool: 'exit',
    args: () => ({ code: 0 }),
    alongside: 'silent',
    dies: true,
    expected: gone('its process exited with code 0'),
  },
  ...(['SIGSEGV', 'SIGKILL', 'SIGABRT'] as const).map(
    (signal): ChildFault => ({
      row: 'F13',
      what: `is ended by ${signal} in the middle of a call`,
      tool: 'die',
      args: () => ({ signal }),
      alongside: 'silent',
      dies: true,
      expected: gone(`its process was ended by ${signal}`),
    }),
  ),
  {
    row: 'F15',
    what: 'writes garbage before its answer',
    tool: 'say',
    args: saying('Listening on port 3000…', '{"jsonrpc":"2.0",', '[]', 'null', '\u0000\u0001', '{}'),
    times: 6,
    expected: { dropped: 'upstream_garbage' },
  },
  {
    row: 'F15',
    what: 'answers another id, then the right one, then again',
    tool: 'say',
    args: (era) => ({ lines: [JSON.stringify(resultOf(era, 4711)), line(era), line(era)] }),
    times: 2,
    expected: { dropped: 'late_result' },
  },
  {
    row: 'F15',
    what: 'ends in the middle of its answer',
    tool: 'break',
    args: (era) => ({ lines: [line(era).slice(0, -20)] }),
    alongside: 'silent',
    dies: true,
    expected: gone('its process exited with code 0'),
  },
  {
    row: 'F15',
    what: 'writes a line without an end',
    tool: 'long',
    args: () => ({ bytes: 1 << 20 }),
    alongside: 'silent',
    limits: { line: '64KiB' },
    dies: true,
    expected: { code: 'UPSTREAM_INVALID', says: 'more in one line than limits.line allows (65536 bytes)' },
  },
  {
    row: 'F15',
    what: 'floods stderr before its answer',
    tool: 'stderr',
    args: () => ({ bytes: 8_000_000, says: SECRET }),
    limits: { stderr: '4KiB' },
    expected: {},
  },
  {
    row: 'F15',
    what: 'floods stdout with garbage before its answer',
    tool: 'say',
    args: saying(...Array.from({ length: 20_000 }, () => 'garbage')),
    times: 20_000,
    limits: { string: '4MiB' },
    expected: { dropped: 'upstream_garbage' },
  },
  {
    row: 'F4',
    what: 'says nothing to a call',
    tool: 'silent',
    timeouts: { first_byte: '250ms' },
    expected: { code: 'UPSTREAM_TIMEOUT', timeout: 'first_byte', says: 'timeouts.first_byte (250 ms)' },
  },
];
