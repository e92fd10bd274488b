// A stream of server-sent events to one HTTP client, with backpressure: `send` returns a promise while more
// than the buffer allows is waiting. Knows nothing of messages.

import { type SseOptions, sseComment, sseEvent, sseFields } from '../protocol/sse.ts';
import { type DirectController, type LongAnswer, put, writeLong } from './long-answer.ts';

export interface EventStream {
  readonly response: Response;
  /** Queues one event. @returns a promise while the client is slower than we are */
  send(data: string, fields?: SseOptions): Promise<void> | undefined;
  /**
   * The same for what is passed on as it comes. Where that breaks off, the half event gets a name that no client of MCP
   * listens to, and what is told in its place is the next event.
   * @returns resolves when it is out, or the client is gone
   */
  long(answer: LongAnswer, fields?: SseOptions): Promise<void>;
  comment(): void;
  /** Ends the stream after what is queued. */
  end(): void;
  /** Ends it at once: its client reads elsewhere. */
  drop(): void;
  /** Resolves when the last byte is out or the client is gone. */
  readonly done: Promise<void>;
  readonly open: boolean;
}

export interface EventStreamOptions {
  /** Bytes that may wait before `send` asks for patience. */
  readonly buffer: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The client went away before the end. */
  gone(): void;
}

export const SSE_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // Reverse proxies must not collect events (2026-07-28 streamable-http §Sending Messages).
  'x-accel-buffering': 'no',
} as const;

/** An event that is passed on as it comes. */
interface Long {
  readonly answer: LongAnswer;
  readonly fields: SseOptions;
  readonly out: PromiseWithResolvers<void>;
}

/** What is left of an event whose data broke off is called. */
const BROKEN = 'broken';

function dropped({ answer, out }: Long): void {
  answer.cancel();
  out.resolve();
}

export function createEventStream({ buffer, headers, gone }: EventStreamOptions): EventStream {
  const queue: (string | Long)[] = [];
  let current: Long | undefined;
  let waiting = 0;
  let ended = false;
  let closed = false;
  let wake = Promise.withResolvers<void>();
  let room: PromiseWithResolvers<void> | undefined;
  const done = Promise.withResolvers<void>();

  const close = (): void => {
    if (closed) return;
    closed = true;
    for (const each of [current, ...queue.splice(0)]) if (typeof each === 'object') dropped(each);
    waiting = 0;
    room?.resolve();
    wake.resolve();
    done.resolve();
  };
  const push = (text: string): void => {
    queue.push(text);
    waiting += text.length;
    wake.resolve();
  };

  const leave = (): void => {
    const early = !closed && (!ended || queue.length > 0 || current !== undefined);
    close();
    if (early) gone();
  };

  // A write to a client that has just gone may throw instead of ending in `cancel`.
  const pull = (controller: DirectController): Promise<void> => write(controller).catch(leave);

  async function write(controller: DirectController): Promise<void> {
    while (!closed) {
      if (queue.length === 0) {
        if (ended) break;
        wake = Promise.withResolvers();
        await wake.promise;
        continue;
      }
      const [first] = queue;
      if (typeof first === 'object') {
        queue.shift();
        await writeEvent(controller, first);
        continue;
      }
      const to = queue.findIndex((each) => typeof each === 'object');
      const text = queue.splice(0, to < 0 ? queue.length : to).join('');
      await put(controller, text);
      waiting -= Math.min(waiting, text.length);
      if (room && waiting < buffer) {
        room.resolve();
        room = undefined;
      }
    }
    close();
  }

  async function writeEvent(controller: DirectController, long: Long): Promise<void> {
    const { answer, fields, out } = long;
    current = long;
    await put(controller, `${sseFields(fields)}data: `);
    const end = await writeLong(answer, (data) => put(controller, data));
    const instead = end.whole ? undefined : answer.broken(end.error);
    await put(controller, end.whole ? '\n\n' : `\nevent: ${BROKEN}\n\n`);
    if (instead !== undefined) await put(controller, sseEvent(instead, fields));
    current = undefined;
    out.resolve();
  }

  const stream = new ReadableStream({
    type: 'direct',
    pull,
    cancel: leave,
  } as unknown as Bun.DirectUnderlyingSource);

  return {
    response: new Response(stream, { headers: { ...SSE_HEADERS, ...headers } }),
    send(data, fields) {
      if (closed || ended) return undefined;
      push(sseEvent(data, fields));
      if (waiting < buffer) return undefined;
      room ??= Promise.withResolvers();
      return room.promise;
    },
    long(answer, fields = {}) {
      const out = Promise.withResolvers<void>();
      const long = { answer, fields, out };
      if (closed || ended) dropped(long);
      else {
        queue.push(long);
        wake.resolve();
      }
      return out.promise;
    },
    comment() {
      if (!closed && !ended && !current && queue.length === 0) push(sseComment());
    },
    end() {
      ended = true;
      wake.resolve();
    },
    drop: close,
    done: done.promise,
    get open() {
      return !closed && !ended;
    },
  };
}
