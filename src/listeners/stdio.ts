// The stdio listener: one client on a pair of pipes, both eras on the same lines. Ends when the input ends.

import type { Client } from '../core/client.ts';
import { type ErrorName, GatewayError } from '../core/errors.ts';
import type { Inbound } from '../core/exchange.ts';
import { countLimit } from '../core/limit-hit.ts';
import { Lines } from '../lib/lines.ts';
import { settledWithin } from '../lib/settled.ts';
import { checkStateless, claimsStateless } from '../protocol/classify.ts';
import {
  isBatch,
  type Message,
  MessageError,
  notificationText,
  parseMessage,
  type RawId,
  readId,
} from '../protocol/jsonrpc.ts';
import type { McpNotification, McpResult } from '../protocol/message.ts';
import { noteLabel } from '../protocol/methods.ts';
import { decodeUtf8, JsonError, RawObject } from '../protocol/raw.ts';
import { type Unread, unreadIn } from '../protocol/unread.ts';
import type { JsonObject } from '../protocol/values.ts';
import { batchText } from './batch.ts';
import { Calls } from './calls.ts';
import { Channel } from './channel.ts';
import { answerOf, refusalText, requestOf } from './edge.ts';
import { clientOf } from './http-stateless.ts';
import { writeLong } from './long-answer.ts';
import { type Served, serve } from './serve.ts';
import type { Serving } from './serving.ts';
import { listenOnPipe } from './stdio-listen.ts';
import { createStdioWriter, type StdioOut } from './stdio-writer.ts';

type Request = Extract<Message, { kind: 'request' }>;

const NAME = 'stdio';

export async function serveStdio(
  input: ReadableStream<Uint8Array>,
  write: Write,
  { path, peer }: { readonly path: string; readonly peer: Inbound['peer'] },
  serving: Serving,
): Promise<void> {
  const pipe = new Pipe(write, { path, peer }, serving);
  const lines = new Lines(serving.limits().line);
  try {
    for await (const chunk of input)
      for (const line of lines.push(chunk)) {
        if (line.length > 0) pipe.line(line);
        await pipe.room();
      }
    // Whoever writes some requests and closes the pipe, as scripts do, still reads the answers.
    if (!(await settledWithin(pipe.answered(), serving.limits().linger)))
      serving.host.metrics.limitHits.inc({ limit: 'linger' });
  } catch (error) {
    serving.host.log.error('the client sent more than limits.line in one line', { error: String(error) });
  } finally {
    pipe.end();
  }
  await pipe.finished();
}

/** What a stateless client would have sent in params._meta is missing, and no handshake came before. */
const EARLY = {
  code: 'META_INVALID',
  detail: 'Send initialize first, or the 2026-07-28 members in params._meta.',
} as const;

/** A message as a line. What broke off is a line that is no JSON, and what is told in its place the next one. */
function linesTo(write: Write): StdioOut {
  return {
    text: (text) => write(`${text}\n`),
    async long(answer) {
      const end = await writeLong(answer, write);
      const instead = end.whole ? undefined : answer.broken(end.error);
      await write(instead === undefined ? '\n' : `\n${instead}\n`);
    },
  };
}

/** Writes text or bytes to the client, all of it. */
type Write = (data: string | Uint8Array) => Promise<void>;

class Pipe {
  readonly #serving: Serving;
  readonly #out: ReturnType<typeof createStdioWriter>;
  readonly #inbound: Inbound;
  /** What belongs to the session. */
  readonly #channel: Channel;
  /** Stateless calls and subscriptions. */
  readonly #calls = new Calls();
  /** Whether the client has shown that it speaks 2026-07-28. */
  #stateless = false;

  constructor(
    write: Write,
    { path, peer }: { readonly path: string; readonly peer: Inbound['peer'] },
    serving: Serving,
  ) {
    this.#serving = serving;
    this.#out = createStdioWriter(linesTo(write), serving.limits().streamBuffer);
    this.#inbound = { listener: NAME, endpoint: path, headers: new Headers(), peer };
    const out = this.#out;
    this.#channel = new Channel({ transport: 'stdio', listener: NAME, path, serving, out, early: EARLY });
  }

  line(line: Uint8Array): void {
    let text = '';
    try {
      text = decodeUtf8(line, 'refuse');
      if (isBatch(text)) this.#channel.batch(text, this.#inbound, crypto.randomUUID());
      else this.#message(parseMessage(text, this.#serving.limits().json));
    } catch (error) {
      countLimit(error, this.#serving.host);
      if (error instanceof MessageError) this.#unread(text, error);
      else if (error instanceof JsonError) this.#refuse(undefined, 'PARSE', error.message);
      else throw error;
    }
  }

  /** Whoever asks and does not read the answers waits with what it asks next. */
  room(): Promise<void> | undefined {
    return this.#out.room();
  }

  /** Whoever waits for an answer to a message that is refused is told, and whoever waits for the message. */
  #unread(text: string, { code, id, limit, message: detail }: MessageError): void {
    const unread = code === -32600 && (limit || id) ? [...unreadIn(text)] : [];
    // The id of an answer is one of ours, and must not be taken for one of the client's.
    const answers = unread.filter(({ kind }) => kind === 'answer');
    for (const answer of answers) this.#unanswered(answer.id, detail);
    const others = unread.filter(({ kind }) => kind !== 'answer');
    if (limit && isBatch(text) && others.length > 0) this.#refuseAll(others, detail);
    else if (answers.length > 0) this.#told('INVALID_REQUEST', detail);
    else void this.#refuse(id, code === -32700 ? 'PARSE' : 'INVALID_REQUEST', detail);
  }

  /** What we asked the client gets an error for an answer. */
  #unanswered(id: RawId, message: string): void {
    const error = RawObject.of({ code: -32600, message });
    this.#channel.message({ kind: 'error', id, error, raw: error }, this.#inbound, crypto.randomUUID());
  }

  /** As the batch would have been answered. */
  #refuseAll(unread: readonly Unread[], detail: string): void {
    this.#told('INVALID_REQUEST', detail);
    const texts = new Map(unread.map(({ id }) => [id.key, refusalText('INVALID_REQUEST', detail, id)]));
    void this.#out.result(batchText([...texts.values()]));
  }

  /** The client is gone: everything it asked for ends. */
  end(): void {
    this.#calls.abortAll(new GatewayError('CANCELLED'));
    this.#channel.end();
  }

  /** Resolves when all that runs now has been answered, subscriptions aside. */
  answered(): Promise<void> {
    return this.#channel.answered();
  }

  finished(): Promise<void> {
    return this.#channel.finished();
  }

  #message(message: Message): void {
    if (message.kind === 'request' && claimsStateless(message)) {
      const isEndless = message.method === 'subscriptions/listen';
      this.#channel.track(this.#alone(message), isEndless);
    } else if (!this.#cancelled(message)) this.#channel.message(message, this.#inbound, crypto.randomUUID());
  }

  /** @returns whether the message cancels a stateless call */
  #cancelled(message: Message): boolean {
    if (message.kind !== 'notification' || message.method !== 'notifications/cancelled') return false;
    const id = readId(message.params?.raw('requestId') ?? '');
    return id !== undefined && this.#calls.cancel(id);
  }

  async #alone(message: Request): Promise<void> {
    this.#stateless = true;
    const refusal = checkStateless(message, undefined);
    if (refusal) {
      const { code, detail, data } = refusal;
      return this.#refuse(message.id, code, detail, { ...data });
    }
    const client = clientOf(message, 'stdio');
    const { signal, end } = this.#calls.begin(message.id);
    const { result, close } = await this.#carry(message, client, signal);
    // A cancelled request gets no response, and nobody is there to read one after the end.
    if (signal.aborted) result.rest?.cancel();
    else await this.#out.result(answerOf(message, result, client, this.#serving.gateway));
    close();
    end();
  }

  async #carry(message: Request, client: Client, signal: AbortSignal): Promise<Served> {
    const inbound = this.#inbound;
    if (message.method !== 'subscriptions/listen') {
      const request = requestOf(message.method, message.params, undefined);
      const emit = (note: McpNotification) => {
        this.#serving.host.metrics.notifications.inc({ method: noteLabel(note.method) });
        return this.#out.note(notificationText(note.method, note.raw));
      };
      return serve({ id: crypto.randomUUID(), client, inbound, request, signal, emit }, this.#serving);
    }
    const note = (text: string) => this.#out.note(text);
    const result: McpResult = await listenOnPipe(message, client, inbound, signal, this.#serving, note);
    return { result, principal: client.principal, close() {} };
  }

  /** @param id undefined: none could be read, which the initialize era writes as null */
  #refuse(id: RawId | undefined, code: ErrorName, detail?: string, data?: JsonObject): Promise<void> {
    this.#told(code, detail);
    return this.#out.result(refusalText(code, detail, id ?? (this.#stateless ? undefined : null), data));
  }

  #told(code: ErrorName, reason: string | undefined): void {
    this.#serving.refused({ code, reason, listener: NAME });
  }
}
