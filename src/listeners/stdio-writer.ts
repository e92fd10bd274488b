// The one writer of a client's channel: whole messages, one after the other.

import type { AnswerText, LongAnswer } from './long-answer.ts';

export interface StdioWriter {
  /** A message before a result. Returns a promise while the client is slower than we are. */
  note(text: string): Promise<void> | undefined;
  /** A promise while more answers wait than may: who does not read them is to ask no more. */
  room(): Promise<void> | undefined;
  /** The answer to a request. Resolves when it is written, or cannot be any more. */
  result(answer: AnswerText): Promise<void>;
}

/** Where it writes to. Both resolve when it is out, or reject where nobody reads any more. */
export interface StdioOut {
  text(text: string): Promise<void>;
  long(answer: LongAnswer): Promise<void>;
}

/**
 * The official SDKs (TypeScript 1.32, 2.4) lose a progress notification that they read in one chunk with the
 * result it precedes, so a result waits this long behind a notification. Milliseconds.
 */
const APART_MS = 10;

/** @param buffer characters that may wait before `note` asks for patience */
export function createStdioWriter(out: StdioOut, buffer: number): StdioWriter {
  let tail: Promise<void> = Promise.resolve();
  let noted = Number.NEGATIVE_INFINITY;
  let waiting = 0;
  /** The same of answers alone. */
  let unread = 0;
  const queue = (message: AnswerText, before?: () => Promise<void> | undefined): Promise<void> => {
    const { length } = typeof message === 'string' ? message : message.head;
    waiting += length;
    tail = tail.then(async () => {
      // A pipe that is gone shows at its reading end; nothing is to be said into it any more.
      await Promise.resolve(before?.())
        .then(() => (typeof message === 'string' ? out.text(message) : out.long(message)))
        .catch(() => {});
      waiting -= length;
    });
    return tail;
  };
  const apart = (): Promise<void> | undefined => {
    const rest = APART_MS - (performance.now() - noted);
    return rest > 0 ? new Promise((resolve) => setTimeout(resolve, rest)) : undefined;
  };
  return {
    note(text) {
      const written = queue(text).then(() => {
        noted = performance.now();
      });
      return waiting < buffer ? undefined : written;
    },
    room: () => (unread < buffer ? undefined : tail),
    async result(answer) {
      const { length } = typeof answer === 'string' ? answer : answer.head;
      unread += length;
      await queue(answer, apart);
      unread -= length;
    },
  };
}
