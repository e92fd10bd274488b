// HTTP+SSE, the transport of 2024-11-05: a client opens an event stream, is told there where to post, and has
// everything on that stream, answers too. The session is the stream, and ends with it; nothing of it is resumed.

import { identityKey, type Principal } from '../core/client.ts';
import { countLimit } from '../core/limit-hit.ts';
import { claimsStateless } from '../protocol/classify.ts';
import { isBatch, type Message, MessageError, parseMessage } from '../protocol/jsonrpc.ts';
import { BARE } from './admit.ts';
import { Channel } from './channel.ts';
import { atTheDoor, streamAtTheDoor } from './door.ts';
import { createEventStream, type EventStream } from './event-stream.ts';
import { jsonBody, type Refuse } from './http-post.ts';
import { accepts, type HttpCall, tellRefused } from './http-request.ts';
import type { Serving } from './serving.ts';
import { createStdioWriter, type StdioOut } from './stdio-writer.ts';
import { enterStream } from './streams.ts';
import { whileProven } from './while-proven.ts';

interface SseClient {
  readonly name: string;
  /** Who opened the stream. */
  principal: Principal;
  /** Whether it has not read what it was answered. */
  readonly isFull: () => boolean;
  readonly path: string;
  readonly channel: Channel;
}

const METHODS = 'GET, POST, OPTIONS';
const EARLY = { code: 'INVALID_REQUEST', detail: 'Send initialize first.' } as const;

export class SseClients {
  readonly #serving: Serving;
  /** By a name that nobody can guess: whoever has it can speak for the client. */
  readonly #open = new Map<string, SseClient>();

  constructor(serving: Serving) {
    this.#serving = serving;
  }

  /** Answers a request for the path of an HTTP+SSE listener. */
  async serve(path: string, call: HttpCall, refuse: Refuse): Promise<Response> {
    const { method } = call.request;
    if (method === 'POST') return this.#post(path, call, refuse);
    if (method !== 'GET') {
      tellRefused(call, 'HTTP_METHOD');
      return new Response(null, { status: 405, headers: { ...call.headers, allow: METHODS } });
    }
    if (!this.#serving.accepting()) return refuse('STOPPING');
    const stranger = await streamAtTheDoor(call, BARE.GET);
    return stranger instanceof Response ? stranger : this.#begin(path, call, stranger, refuse);
  }

  #begin(path: string, call: HttpCall, principal: Principal, refuse: Refuse): Response {
    const { host, limits } = this.#serving;
    if (!accepts(call.request.headers).stream) return refuse('NOT_ACCEPTABLE');
    if (this.#open.size >= limits().sessions) {
      host.metrics.limitHits.inc({ limit: 'sessions' });
      return refuse('BUSY');
    }
    const leave = enterStream(this.#serving);
    if (!leave) return refuse('BUSY');
    const buffer = limits().streamBuffer;
    const stream = createEventStream({ buffer, headers: call.headers, gone() {} });
    const fields = { event: 'message' };
    const to: StdioOut = {
      text: async (text) => stream.send(text, fields),
      long: (answer) => stream.long(answer, fields),
    };
    const out = createStdioWriter(to, buffer);
    const { listener, endpoint } = call.inbound;
    const channel = new Channel({
      transport: 'http',
      listener,
      path: endpoint,
      serving: this.#serving,
      out,
      early: EARLY,
    });
    const name = crypto.randomUUID();
    const client: SseClient = { name, principal, path, channel, isFull: () => out.room() !== undefined };
    this.#open.set(name, client);
    void stream.send(`${path}?sessionId=${name}`, { event: 'endpoint' });
    const release = this.#tie(client, call, stream);
    call.inbound.answer?.lasts(stream.done);
    void stream.done.then(() => {
      this.#open.delete(name);
      release();
      channel.end();
      leave();
    });
    return stream.response;
  }

  /** What ends the stream beside its client. @returns a function that unties it again */
  #tie(client: SseClient, call: HttpCall, stream: EventStream): () => void {
    const { name, path, channel } = client;
    const endUnproven = (): void => {
      // With another proof its client opens another stream.
      this.#open.delete(name);
      void channel.hush().then(() => stream.end());
    };
    const { endpoint } = call.inbound;
    const quiet = { tick: () => stream.comment() };
    call.keepAlive.add(quiet);
    const { now } = this.#serving.host;
    const undo = [
      whileProven(() => client.principal, now, endUnproven),
      () => call.keepAlive.remove(quiet),
      // What is at work is answered before the stream ends.
      this.#serving.onStop(() => void channel.finished().then(() => stream.end())),
      this.#serving.onSwap(() => {
        if (this.#serving.endpoint(endpoint)?.sse !== path) stream.end();
      }),
    ];
    return () => {
      for (const each of undo) each();
    };
  }

  async #post(path: string, call: HttpCall, refuse: Refuse): Promise<Response> {
    const name = new URLSearchParams(call.inbound.query).get('sessionId');
    // A client that tries the newer transport first goes on to GET after a 400 (2025-11-25 basic/transports).
    if (name === null) return refuse('SESSION_REQUIRED', `Open the event stream first: GET ${path}.`);
    const unknown = () => refuse('SESSION_UNKNOWN', 'The event stream has ended, or never was.');
    if (this.#open.get(name)?.path !== path) return unknown();
    const body = await jsonBody(call, refuse);
    if (body instanceof Response) return body;
    let message: Message | undefined;
    try {
      message = isBatch(body) ? undefined : parseMessage(body, this.#serving.limits().json);
    } catch (error) {
      countLimit(error, this.#serving.host);
      return unreadable(error, refuse);
    }
    // Its client takes no answer but that of the stream.
    const principal = await atTheDoor(call, message ?? BARE.POST, false);
    if (principal instanceof Response) return principal;
    // It may have ended while the body came.
    const client = this.#open.get(name);
    if (!client || identityKey(client.principal) !== identityKey(principal)) return unknown();
    client.principal = principal;
    if (client.isFull()) {
      this.#serving.host.metrics.limitHits.inc({ limit: 'stream_buffer' });
      return refuse('BUSY', 'Read the event stream first: it is full (limits.stream_buffer).');
    }
    try {
      this.#take(message ?? body, client.channel, call);
    } catch (error) {
      return unreadable(error, refuse);
    }
    return new Response('Accepted', { status: 202, headers: call.headers });
  }

  /** @param message the text of a batch, or one message · @throws MessageError */
  #take(message: Message | string, channel: Channel, { inbound, id }: HttpCall): void {
    if (typeof message === 'string') {
      channel.batch(message, inbound, id);
      return;
    }
    if (claimsStateless(message)) {
      const given = message.kind === 'request' ? message.id : undefined;
      throw new MessageError(-32600, '2026-07-28 is not spoken over HTTP+SSE.', given);
    }
    channel.message(message, inbound, id);
  }
}

/** @throws what is no fault of the message */
function unreadable(error: unknown, refuse: Refuse): Response {
  if (!(error instanceof MessageError)) throw error;
  return refuse(error.code === -32700 ? 'PARSE' : 'INVALID_REQUEST', error.message, error.id);
}
