// The one writer of a client's pipe: whole messages, one after the other.

export interface StdioWriter {
  /** A message before a result. */
  note(text: string): Promise<void>;
  /** The answer to a request. */
  result(text: string): Promise<void>;
}

/**
 * The official SDKs (TypeScript 1.32, 2.4) lose a progress notification that they read in one chunk with the
 * result it precedes, so a result waits this long behind a notification. Milliseconds.
 */
const APART_MS = 3;

export function createStdioWriter(write: (text: string) => Promise<void>): StdioWriter {
  let tail: Promise<void> = Promise.resolve();
  let noted = Number.NEGATIVE_INFINITY;
  const queue = (work: () => Promise<void>): Promise<void> => {
    // A pipe that is gone shows at its reading end; nothing is to be said into it any more.
    tail = tail.then(work).catch(() => {});
    return tail;
  };
  return {
    note: (text) =>
      queue(async () => {
        await write(`${text}\n`);
        noted = performance.now();
      }),
    result: (text) =>
      queue(async () => {
        const rest = APART_MS - (performance.now() - noted);
        if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
        await write(`${text}\n`);
      }),
  };
}
