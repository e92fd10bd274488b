// The answer to a request whose result is passed on as it comes: what stands before and behind it, and what is said
// where it broke off. And the body of an HTTP answer that is one.

import { errorResult, GatewayError } from '../core/errors.ts';
import { wholeResult } from '../core/whole.ts';
import { McpResult } from '../protocol/message.ts';
import type { Rest } from '../protocol/rest.ts';

/** To be written out once, or cancelled. */
export interface LongAnswer {
  /** JSON text before the bytes of the result, and behind them. */
  readonly head: string;
  readonly tail: string;
  /** @throws Error where it broke off */
  bytes(): AsyncIterable<Uint8Array>;
  /** Nobody reads it. Harmless where it is over. */
  cancel(): void;
  /** What is answered in its place, where that can be told; nothing to who wants no answer any more. */
  broken(error: unknown): string | undefined;
  /** The same as one text, for what is answered whole: an error where that is too long. */
  whole(why: string): Promise<string>;
}

/** Text, or what is passed on as it comes. */
export type AnswerText = string | LongAnswer;

/** @param textOf the answer as text with another result */
export function longAnswer(
  id: string,
  result: McpResult,
  rest: Rest,
  textOf: (result: McpResult) => string,
): LongAnswer {
  return {
    head: `{"jsonrpc":"2.0","id":${id},"result":`,
    tail: '}',
    bytes: () => rest.bytes(),
    cancel: () => rest.cancel(),
    broken(error) {
      if (!(error instanceof GatewayError)) return textOf(errorResult('INTERNAL'));
      return error.code === 'CANCELLED' ? undefined : textOf(error.result);
    },
    async whole(why) {
      const whole = await wholeResult(result);
      return textOf(whole instanceof McpResult ? whole : whole.refuse(why));
    },
  };
}

/** Bun's direct streams: no queue of chunks between us and the socket. */
export interface DirectController {
  write(data: string | Uint8Array): number | Promise<number>;
  flush(): number | Promise<number>;
}

/** Awaiting the write is the only bound on what Bun holds for a client that does not read. */
export async function put(controller: DirectController, data: string | Uint8Array): Promise<void> {
  await controller.write(data);
  await controller.flush();
}

/**
 * Writes the answer out.
 * @returns whether the whole of it is out; if not, why not, and nothing has been written behind the break
 * @throws what `write` throws
 */
export async function writeLong(
  answer: LongAnswer,
  write: (data: string | Uint8Array) => Promise<void>,
): Promise<{ whole: true } | { whole: false; error: unknown }> {
  const parts = answer.bytes()[Symbol.asyncIterator]();
  try {
    await write(answer.head);
    for (;;) {
      const next = await parts.next().catch((error: unknown) => ({ done: undefined, error }));
      if (next.done === undefined) return { whole: false, error: 'error' in next ? next.error : undefined };
      if (next.done) break;
      await write(next.value);
    }
    await write(answer.tail);
    return { whole: true };
  } finally {
    answer.cancel();
  }
}

/** The body of an answer of its own. Where the result breaks off the connection is cut, so that nobody takes it for one. */
export function longBody(answer: LongAnswer): { body: ReadableStream; done: Promise<void> } {
  const done = Promise.withResolvers<void>();
  const pull = async (controller: DirectController): Promise<void> => {
    try {
      const end = await writeLong(answer, (data) => put(controller, data));
      if (!end.whole) throw new Error('the result broke off', { cause: end.error });
    } finally {
      done.resolve();
    }
  };
  const cancel = (): void => {
    answer.cancel();
    done.resolve();
  };
  const body = new ReadableStream({ type: 'direct', pull, cancel } as unknown as Bun.DirectUnderlyingSource);
  return { body, done: done.promise };
}
