// A stream of server-sent events to one HTTP client, with backpressure: `send` returns a promise while more
// than the buffer allows is waiting. Knows nothing of messages.

import { type SseOptions, sseComment, sseEvent } from '../protocol/sse.ts';

export interface EventStream {
  readonly response: Response;
  /** Queues one event. @returns a promise while the client is slower than we are */
  send(data: string, fields?: SseOptions): Promise<void> | undefined;
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

/** Bun's direct streams: no queue of chunks between us and the socket. */
interface DirectController {
  write(data: string): number | Promise<number>;
  flush(): number | Promise<number>;
}

export function createEventStream({ buffer, headers, gone }: EventStreamOptions): EventStream {
  const queue: string[] = [];
  let waiting = 0;
  let ended = false;
  let closed = false;
  let wake = Promise.withResolvers<void>();
  let room: PromiseWithResolvers<void> | undefined;
  const done = Promise.withResolvers<void>();

  const close = (): void => {
    if (closed) return;
    closed = true;
    queue.length = 0;
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
    const early = !closed && (!ended || queue.length > 0);
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
      const text = queue.splice(0).join('');
      // Awaiting the write is the only bound on what Bun holds for a client that does not read.
      await controller.write(text);
      await controller.flush();
      waiting -= Math.min(waiting, text.length);
      if (room && waiting < buffer) {
        room.resolve();
        room = undefined;
      }
    }
    close();
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
    comment() {
      if (!closed && !ended && queue.length === 0) push(sseComment());
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
