// Batches of 2025-03-26, and of no other revision: what one may hold, and its answers as one. Knows no transport.

import type { Host } from '../core/host.ts';
import { countLimit } from '../core/limit-hit.ts';
import { claimsStateless } from '../protocol/classify.ts';
import { type Message, MessageError, parseBatch, parseMessage } from '../protocol/jsonrpc.ts';
import { refusalText } from './edge.ts';
import type { Answer, Reply } from './reply.ts';
import type { ListenerLimits } from './serving.ts';

export const BATCHED = '2025-03-26';
export const NO_BATCH = `Batches exist in sessions of ${BATCHED} alone: send one message at a time.`;

type Request = Extract<Message, { kind: 'request' }>;

export interface Batch {
  readonly requests: readonly Request[];
  readonly others: readonly Exclude<Message, Request>[];
  /** An answer for each element that is no message, as JSON-RPC 2.0 §6 has it. */
  readonly refusals: readonly string[];
}

/**
 * Reads a batch whole before anything of it is begun.
 * @param refused told of each element that is no message
 * @throws MessageError when nothing of it may be: it is empty, too long or ambiguous, or holds what must stand alone
 */
export function readBatch(
  text: string,
  limits: Pick<ListenerLimits, 'json' | 'batch'>,
  host: Host,
  refused: (reason: string) => void,
): Batch {
  const texts = parseBatch(text, limits.json, Number.POSITIVE_INFINITY);
  if (texts.length > limits.batch) {
    host.metrics.limitHits.inc({ limit: 'batch' });
    const why = `A batch has at most ${limits.batch} messages here (limits.batch).`;
    throw new MessageError(-32600, why, undefined, 'batch');
  }
  const requests: Request[] = [];
  const others: Exclude<Message, Request>[] = [];
  const refusals: string[] = [];
  const ids = new Set<string>();
  for (const each of texts) {
    const message = readElement(each, limits.json);
    if (message instanceof MessageError) {
      countLimit(message, host);
      refused(message.message);
      refusals.push(refusalText('INVALID_REQUEST', message.message, message.id ?? null));
      continue;
    }
    if (claimsStateless(message)) throw alone('A message of 2026-07-28', message);
    if (message.kind !== 'request') {
      others.push(message);
      continue;
    }
    // 2025-03-26 basic/lifecycle §Initialization.
    if (message.method === 'initialize') throw alone('initialize', message);
    if (ids.has(message.id.key))
      throw new MessageError(-32600, 'Two requests of the batch have the same id.', message.id);
    ids.add(message.id.key);
    requests.push(message);
  }
  return { requests, others, refusals };
}

function readElement(text: string, limits: ListenerLimits['json']): Message | MessageError {
  try {
    return parseMessage(text, limits);
  } catch (error) {
    if (error instanceof MessageError) return error;
    throw error;
  }
}

function alone(what: string, message: Message): MessageError {
  const id = message.kind === 'request' ? message.id : undefined;
  return new MessageError(-32600, `${what} must not be part of a batch.`, id);
}

export function batchText(answers: readonly string[]): string {
  return `[${answers.join(',')}]`;
}

interface Finished {
  readonly text: string;
  readonly status: number;
  readonly headers?: Parameters<Reply['finish']>[2];
}

/** The answers to the requests of a batch: one array when nothing comes before them, else an event for each. */
export class BatchReply {
  readonly #reply: Reply;
  readonly #finished: Finished[];
  #running: number;

  constructor(reply: Reply, { requests, refusals }: Batch) {
    this.#reply = reply;
    this.#running = requests.length;
    this.#finished = refusals.map((text) => ({ text, status: 400 }));
    if (this.#running === 0) this.#end();
  }

  /** Where one of its requests is answered. */
  part(): Answer {
    const reply = this.#reply;
    let isOver = false;
    const over = (finished?: Finished): void => {
      if (isOver) return;
      isOver = true;
      this.#over(finished);
    };
    return {
      get canStream() {
        return reply.canStream;
      },
      done: reply.done,
      note: (text) => reply.note(text),
      send: (text) => reply.send(text),
      finish(answer, status, headers) {
        if (typeof answer === 'string') over({ text: answer, status, headers });
        else void answer.whole('a batch is answered whole').then((text) => over({ text, status, headers }));
      },
      close: () => over(),
    };
  }

  #over(finished: Finished | undefined): void {
    if (finished) {
      if (this.#reply.streams) void this.#reply.send(finished.text);
      else this.#finished.push(finished);
    }
    if (--this.#running === 0) this.#end();
  }

  #end(): void {
    const [first, ...rest] = this.#finished;
    if (!first || this.#reply.streams) {
      for (const { text } of this.#finished) void this.#reply.send(text);
      this.#reply.close();
      return;
    }
    // A status speaks for all of them, or for none.
    const isOne = rest.every(({ status }) => status === first.status);
    const text = batchText(this.#finished.map((each) => each.text));
    this.#reply.finish(text, isOne ? first.status : 200, isOne ? first.headers : {});
  }
}
