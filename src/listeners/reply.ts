// The answer to one POST: JSON when the result comes first, a stream of events as soon as anything else does,
// or when the result lets the client wait. Written to by one call (or by a batch of them).

import type { McpResult } from '../protocol/message.ts';
import type { KeepAlive, Quiet } from './keep-alive.ts';
import { type AnswerText, type LongAnswer, longBody } from './long-answer.ts';

/** Where the messages of an answer go once it is a stream. */
export interface Events {
  readonly response: Response;
  /** A message that may be left out where it cannot be kept for a client that reconnects. */
  note(text: string): Promise<void> | undefined;
  send(text: string): Promise<void> | undefined;
  /** The last message. */
  finish(answer: AnswerText): void;
  /** Ends without a last message. */
  end(): void;
  comment(): void;
  /** The connection is gone; only where the stream outlives it. */
  leave?(): void;
  /** Whether anybody reads it, or may yet. */
  readonly open: boolean;
  readonly done: Promise<void>;
}

export interface ReplyOptions {
  readonly keepAlive: KeepAlive;
  /** Makes the stream. @param headers of its result, where that comes first */
  open(headers: McpResult['headers']): Events;
  /** Whether the client accepts text/event-stream, and application/json. */
  readonly accepts: { readonly stream: boolean; readonly json: boolean };
  /** On every answer; read when it begins. */
  readonly headers: () => Readonly<Record<string, string>>;
}

/** What a call needs to be answered. */
export type Answer = Pick<Reply, 'canStream' | 'note' | 'send' | 'finish' | 'close' | 'done'>;

export class Reply implements Quiet {
  readonly #o: ReplyOptions;
  readonly #response = Promise.withResolvers<Response>();
  readonly #done = Promise.withResolvers<void>();
  #stream: Events | undefined;
  /** A result that is passed on as it comes, in an answer that is no stream of events. */
  #long: { readonly answer: LongAnswer; readonly done: Promise<void> } | undefined;
  #over = false;
  #ticked = false;

  constructor(options: ReplyOptions) {
    this.#o = options;
    options.keepAlive.add(this);
  }

  get response(): Promise<Response> {
    return this.#response.promise;
  }

  /** Resolves when the last byte is out or nobody reads any more. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Whether a message before the result would reach the client. */
  get canStream(): boolean {
    return this.#o.accepts.stream && !this.#over && this.#stream?.open !== false;
  }

  /** Whether an event is out, or a sign of life: the answer is a stream then. */
  get streams(): boolean {
    return this.#stream !== undefined;
  }

  /** A notification. @returns as `send` does */
  note(text: string): Promise<void> | undefined | false {
    if (!this.canStream) return false;
    return this.#upgrade().note(text);
  }

  /** One message before the result. @returns backpressure, or false when this client can only be given the result */
  send(text: string): Promise<void> | undefined | false {
    if (!this.canStream) return false;
    return this.#upgrade().send(text);
  }

  /** The result, as the last message. @param status used only while no byte is out */
  finish(answer: AnswerText, status: number, headers: McpResult['headers'] = {}): void {
    if (this.#over) {
      // Nobody reads it any more.
      if (typeof answer !== 'string') answer.cancel();
      return;
    }
    if (this.#stream === undefined && (this.#o.accepts.json || status !== 200)) {
      const all = { 'content-type': 'application/json', ...this.#o.headers(), ...headers };
      this.#response.resolve(new Response(this.#body(answer), { status, headers: all }));
      this.#end();
      return;
    }
    this.#upgrade(headers).finish(answer);
    this.#end();
  }

  /** Ends without a result: the caller cancelled. */
  close(): void {
    if (this.#over) return;
    this.#upgrade().end();
    this.#end();
  }

  /** The connection is gone. A stream that outlives it goes on. */
  abandon(): void {
    if (this.#stream?.leave) {
      this.#stream.leave();
      return;
    }
    this.#long?.answer.cancel();
    this.#response.resolve(new Response(null, { status: 499 }));
    this.#end();
  }

  /** A stream has no status but 200, so an answer gets one whole interval to come with its own. */
  tick(): void {
    if (this.#over) return;
    if (this.#stream) this.#stream.comment();
    else if (this.#ticked && this.#o.accepts.stream) this.#upgrade().comment();
    this.#ticked = true;
  }

  #body(answer: AnswerText): string | ReadableStream {
    if (typeof answer === 'string') return answer;
    const { body, done } = longBody(answer);
    this.#long = { answer, done };
    return body;
  }

  #upgrade(headers?: McpResult['headers']): Events {
    if (this.#stream) return this.#stream;
    this.#stream = this.#o.open(headers);
    this.#response.resolve(this.#stream.response);
    return this.#stream;
  }

  #end(): void {
    this.#over = true;
    this.#o.keepAlive.remove(this);
    const done = this.#stream?.done ?? this.#long?.done;
    if (done) void done.then(this.#done.resolve);
    else this.#done.resolve();
  }
}
