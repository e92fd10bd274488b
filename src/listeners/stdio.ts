// The stdio listener: one client on a pair of pipes, both eras on the same lines. Ends when the input ends.

import { ANONYMOUS, type Client } from '../core/client.ts';
import { type ErrorName, GatewayError } from '../core/errors.ts';
import type { Inbound } from '../core/exchange.ts';
import { Lines } from '../lib/lines.ts';
import { checkStateless, claimsStateless } from '../protocol/classify.ts';
import {
  errorText,
  type Message,
  MessageError,
  notificationText,
  parseMessage,
  type RawId,
  readId,
  resultText,
} from '../protocol/jsonrpc.ts';
import { type McpNotification, McpResult } from '../protocol/message.ts';
import { noteLabel } from '../protocol/methods.ts';
import { decodeUtf8, JsonError } from '../protocol/raw.ts';
import type { JsonObject } from '../protocol/values.ts';
import { askRounds } from './ask.ts';
import { CALL_OVER, Calls } from './calls.ts';
import { answerText, refusalText, requestOf } from './edge.ts';
import { take } from './http-session.ts';
import { clientOf } from './http-stateless.ts';
import { DISCOVER, initializeResult, introduction } from './initialize.ts';
import { type Served, serve } from './serve.ts';
import type { Serving } from './serving.ts';
import { Session } from './session.ts';
import { localAnswer } from './session-local.ts';
import { sessionStanding } from './session-standing.ts';
import { listenOnPipe } from './stdio-listen.ts';
import { createStdioWriter } from './stdio-writer.ts';

type Request = Extract<Message, { kind: 'request' }>;

const NAME = 'stdio';

export async function serveStdio(
  input: ReadableStream<Uint8Array>,
  write: (text: string) => Promise<void>,
  path: string,
  serving: Serving,
): Promise<void> {
  const pipe = new Pipe(write, path, serving);
  const lines = new Lines(serving.limits().line);
  try {
    for await (const chunk of input)
      for (const line of lines.push(chunk)) if (line.length > 0) pipe.line(line);
  } catch (error) {
    serving.host.log.error('the client sent more than limits.line in one line', { error: String(error) });
  } finally {
    pipe.end();
  }
  await pipe.finished();
}

class Pipe {
  readonly #serving: Serving;
  readonly #path: string;
  readonly #out: ReturnType<typeof createStdioWriter>;
  readonly #inbound: Inbound;
  /** Stateless calls and subscriptions. */
  readonly #calls = new Calls();
  readonly #running = new Set<Promise<void>>();
  #session: Session | undefined;
  /** Whether the client has shown that it speaks 2026-07-28. */
  #stateless = false;

  constructor(write: (text: string) => Promise<void>, path: string, serving: Serving) {
    this.#serving = serving;
    this.#path = path;
    this.#out = createStdioWriter(write, serving.limits().streamBuffer);
    this.#inbound = { listener: NAME, endpoint: path, headers: new Headers() };
  }

  line(line: Uint8Array): void {
    try {
      this.#message(parseMessage(decodeUtf8(line, 'refuse'), this.#serving.limits().json));
    } catch (error) {
      if (error instanceof MessageError)
        this.#refuse(error.id, error.code === -32700 ? 'PARSE' : 'INVALID_REQUEST', error.message);
      else if (error instanceof JsonError) this.#refuse(undefined, 'PARSE', error.message);
      else throw error;
    }
  }

  /** The client is gone: everything it asked for ends. */
  end(): void {
    this.#calls.abortAll(new GatewayError('CANCELLED'));
    this.#session?.end();
  }

  async finished(): Promise<void> {
    await Promise.all(this.#running);
  }

  #message(message: Message): void {
    if (message.kind === 'request') this.#track(this.#request(message));
    else if (message.kind === 'notification' && message.method === 'notifications/cancelled')
      this.#cancel(message);
    else if (message.kind === 'notification' && message.method === 'notifications/initialized')
      this.#initialized();
    else if (this.#session) take(message, this.#session, { serving: this.#serving });
  }

  #track(work: Promise<void>): void {
    const running = work.catch((error: unknown) =>
      this.#serving.host.log.error('call failed', { error: String(error) }),
    );
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
  }

  #initialized(): void {
    this.#session?.standing.attach((text) => this.#out.note(text));
  }

  #cancel(message: Extract<Message, { kind: 'notification' }>): void {
    const id = readId(message.params?.raw('requestId') ?? '');
    if (id && !this.#calls.cancel(id)) this.#session?.calls.cancel(id);
  }

  async #request(message: Request): Promise<void> {
    if (claimsStateless(message)) return this.#alone(message);
    if (message.method === 'initialize') return this.#initialize(message);
    if (!this.#session) {
      if (message.method === 'ping')
        return this.#out.result(resultText(message.id.text, McpResult.complete({}).raw));
      // What a stateless client would have sent in params._meta is missing, and no handshake came before.
      const detail = 'Send initialize first, or the 2026-07-28 members in params._meta.';
      return this.#refuse(message.id, 'META_INVALID', detail);
    }
    return this.#inSession(message, this.#session);
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
    if (!signal.aborted) await this.#answer(message, result, client);
    close();
    end();
  }

  async #carry(message: Request, client: Client, signal: AbortSignal): Promise<Served> {
    if (message.method !== 'subscriptions/listen') {
      const request = requestOf(message.method, message.params, undefined);
      return serve({ ...this.#call(client), request, signal }, this.#serving);
    }
    const note = (text: string) => this.#out.note(text);
    const result = await listenOnPipe(message, client, this.#inbound, signal, this.#serving, note);
    return { result, principal: client.principal, close() {} };
  }

  async #initialize(message: Request): Promise<void> {
    const said = introduction(message);
    if (!said)
      return this.#refuse(
        message.id,
        'INVALID_REQUEST',
        'initialize needs params.protocolVersion and params.capabilities.',
      );
    if (this.#session)
      return this.#refuse(message.id, 'INVALID_REQUEST', 'The session is initialized already.');
    const base = { ...said, era: '2025', transport: 'stdio', principal: ANONYMOUS } as const;
    const session = new Session({
      path: this.#path,
      client: base,
      now: this.#serving.host.now(),
      standing: (self) => sessionStanding(self, this.#path, NAME, this.#serving),
    });
    this.#serving.onSwap((changedFor) => session.standing.renew(changedFor(session.client, this.#path)));
    this.#serving.onStop(() => session.standing.stop());
    this.#session = session;
    const { result, close } = await serve(
      { ...this.#call(session.client), request: DISCOVER, signal: new AbortController().signal },
      this.#serving,
    );
    if (result.kind === 'complete')
      await this.#out.result(resultText(message.id.text, initializeResult(result, said.version)));
    else {
      this.#session = undefined;
      await this.#out.result(errorText(message.id.text, result.raw));
    }
    close();
  }

  async #inSession(message: Request, session: Session): Promise<void> {
    const local = await localAnswer(message, {
      session,
      host: this.#serving.host,
      limits: this.#serving.limits,
      refused: (code, reason) =>
        this.#serving.refused({ code, reason, listener: NAME, method: message.method }),
    });
    if (local) return this.#answer(message, local, session.client);
    const { signal, end } = session.calls.begin(message.id);
    const send = (text: string): boolean => {
      if (text !== '') void this.#out.note(text);
      return true;
    };
    const call = this.#call(session.client);
    const { parkTtl: timeout, keepAlive: every } = this.#serving.limits();
    const { asker, client } = session;
    const asking = { asker, client, id: call.id, signal, timeout, every, send };
    const served = await serve(
      {
        ...call,
        request: requestOf(message.method, message.params, session.logLevel),
        signal,
        rounds: (request, first, run) => askRounds(request, first, run, asking),
      },
      this.#serving,
    );
    // A cancelled request of the initialize era gets no response.
    if (!signal.aborted) await this.#answer(message, served.result, session.client);
    served.close();
    end(CALL_OVER);
  }

  #call(client: Client) {
    return {
      id: crypto.randomUUID(),
      client,
      inbound: this.#inbound,
      emit: (note: McpNotification) => {
        this.#serving.host.metrics.notifications.inc({ method: noteLabel(note.method) });
        return this.#out.note(notificationText(note.method, note.raw));
      },
    };
  }

  #answer(message: Request, result: McpResult, client: Client): Promise<void> {
    return this.#out.result(answerText(message.id, message.method, result, client));
  }

  /** @param id undefined: none could be read, which the initialize era writes as null */
  #refuse(id: RawId | undefined, code: ErrorName, detail?: string, data?: JsonObject): Promise<void> {
    this.#serving.refused({ code, reason: detail, listener: NAME });
    return this.#out.result(refusalText(code, detail, id ?? (this.#stateless ? undefined : null), data));
  }
}
