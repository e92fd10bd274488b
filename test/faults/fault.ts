// What a fault is to the runner: a row of a table.
import type { ErrorName } from '../../src/core/errors.ts';
import type { Act, Form } from './faulty.ts';

/** What the client is told. */
export interface Outcome {
  /** The error by name; absent where the call succeeds all the same. */
  readonly code?: ErrorName;
  /** What its text says beside the name of the upstream. */
  readonly says?: string;
  /** The upstream that is named; `bad` unless given. */
  readonly upstream?: string;
  /** What is wrong with TLS, by name. */
  readonly reason?: string;
  /** The deadline that is named and counted. */
  readonly timeout?: 'connect' | 'first_byte' | 'idle' | 'total' | 'start';
  /** What was dropped and counted, by reason. */
  readonly dropped?: string;
  /** Requests that reach the upstream for one call; one unless it said that it has not looked at the first. */
  readonly requests?: number;
}

export interface Fault {
  /** The row of the fault matrix. */
  readonly row: `F${number}`;
  readonly what: string;
  /** In which the answer begins; one where it never comes so far. */
  readonly forms: readonly Form[];
  readonly act: Act;
  /** Whether the answer is whole as HTTP, so that its connection may be kept; it is in F7 and F8. */
  readonly framed?: boolean;
  readonly expected: Outcome | Readonly<Record<Form, Outcome>>;
  /** `timeouts` of the upstream. */
  readonly timeouts?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, unknown>>;
}

export function expectedOf({ expected }: Fault, form: Form): Outcome {
  return form in expected ? (expected as Readonly<Record<Form, Outcome>>)[form] : (expected as Outcome);
}
