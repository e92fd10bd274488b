// The answer to one POST: JSON when the result comes first, a stream of events as soon as anything else does,
// or when the result lets the client wait. Written to by one call (or by a batch of them).

import type { McpResult } from '../protocol/message.ts';
import { createEventStream, type EventStream } from './event-stream.ts';
import type { KeepAlive, Quiet } from './keep-alive.ts';

export interface ReplyOptions {
  readonly keepAlive: KeepAlive;
  readonly buffer: number;
  /** Whether the client accepts text/event-stream, and application/json. */
  readonly accepts: { readonly stream: boolean; readonly json: boolean };
  readonly headers: Readonly<Record<string, string>>;
  /** The client went away before the answer. */
  gone(): void;
}

export class Reply implements Quiet {
  readonly #o: ReplyOptions;
  readonly #response = Promise.withResolvers<Response>();
  readonly #done = Promise.withResolvers<void>();
  #stream: EventStream | undefined;
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
    return this.#o.accepts.stream && !this.#over;
  }

  /** One message before the result. @returns backpressure, or false when this client can only be given the result */
  send(text: string): Promise<void> | undefined | false {
    if (!this.canStream) return false;
    return this.#upgrade().send(text);
  }

  /** The result, as the last message. @param status used only while no byte is out */
  finish(text: string, status: number, headers: McpResult['headers'] = {}): void {
    if (this.#over) return;
    if (this.#stream === undefined && (this.#o.accepts.json || status !== 200)) {
      const all = { 'content-type': 'application/json', ...this.#o.headers, ...headers };
      this.#response.resolve(new Response(text, { status, headers: all }));
      this.#end();
      return;
    }
    void this.#upgrade().send(text);
    this.close();
  }

  /** Ends without a result: the caller cancelled. */
  close(): void {
    if (this.#over) return;
    this.#upgrade().end();
    this.#end();
  }

  /** The connection is gone. */
  abandon(): void {
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

  #upgrade(): EventStream {
    if (this.#stream) return this.#stream;
    const { buffer, headers, gone } = this.#o;
    this.#stream = createEventStream({ buffer, headers, gone });
    this.#response.resolve(this.#stream.response);
    return this.#stream;
  }

  #end(): void {
    this.#over = true;
    this.#o.keepAlive.remove(this);
    if (this.#stream) void this.#stream.done.then(this.#done.resolve);
    else this.#done.resolve();
  }
}
