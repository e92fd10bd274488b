// One client of the initialize era on a channel of its own: a pair of pipes, or an event stream and the POSTs beside
// it. The session is the channel, and ends with it. Knows no transport.

import { ANONYMOUS, type Client } from '../core/client.ts';
import type { ErrorName } from '../core/errors.ts';
import type { Inbound } from '../core/exchange.ts';
import {
  errorText,
  type Message,
  MessageError,
  notificationText,
  type RawId,
  resultText,
} from '../protocol/jsonrpc.ts';
import { type McpNotification, McpResult } from '../protocol/message.ts';
import { noteLabel } from '../protocol/methods.ts';
import { type Arrival, BARE, denied } from './admit.ts';
import { askRounds } from './ask.ts';
import { BATCHED, type Batch, batchText, NO_BATCH, readBatch } from './batch.ts';
import { CALL_OVER } from './calls.ts';
import { answerOf, answerText, refusalText, requestOf } from './edge.ts';
import { take } from './http-session.ts';
import { DISCOVER, initializeResult, introduction } from './initialize.ts';
import type { AnswerText } from './long-answer.ts';
import { serve } from './serve.ts';
import type { Serving } from './serving.ts';
import { Session } from './session.ts';
import { localAnswer } from './session-local.ts';
import { sessionStanding } from './session-standing.ts';
import type { StdioWriter } from './stdio-writer.ts';

type Request = Extract<Message, { kind: 'request' }>;

/** Where the answer to one request goes. Resolves when it is out, or cannot be any more. */
type Give = (answer: AnswerText) => Promise<void>;

export interface ChannelOptions {
  readonly transport: Client['transport'];
  /** The listener's name, for plugins and logs. */
  readonly listener: string;
  /** The endpoint. */
  readonly path: string;
  readonly serving: Serving;
  readonly out: StdioWriter;
  /** What a request before the handshake is told. */
  readonly early: { readonly code: ErrorName; readonly detail: string };
}

export class Channel {
  readonly #o: ChannelOptions;
  readonly #running = new Set<Promise<void>>();
  /** What runs until the channel ends. */
  readonly #endless = new Set<Promise<void>>();
  readonly #give: Give;
  #session: Session | undefined;
  /** Ends the session, and lets go of what was registered for it. */
  #endSession: () => void = () => {};
  #over = false;

  constructor(options: ChannelOptions) {
    this.#o = options;
    this.#give = (answer) => options.out.result(answer);
  }

  /** @param inbound how it came · @param id for the log and upstreams */
  message(message: Message, inbound: Inbound, id: string): void {
    if (message.kind === 'request') this.track(this.#request(message, inbound, id, this.#give));
    else if (message.kind === 'notification' && message.method === 'notifications/initialized')
      this.#session?.standing.attach((text) => this.#o.out.note(text));
    else if (this.#session) this.track(this.#take(message, this.#session, { inbound, id }));
  }

  /**
   * Takes an array of messages: its requests run side by side and are answered by one array.
   * @throws MessageError when nothing of it may be
   */
  batch(text: string, inbound: Inbound, id: string): void {
    const { serving } = this.#o;
    if (this.#session?.client.version !== BATCHED) throw new MessageError(-32600, NO_BATCH);
    const refused = (reason: string): void => this.#told('INVALID_REQUEST', reason);
    const batch = readBatch(text, serving.limits(), serving.host, refused);
    this.track(this.#all(batch, inbound, id));
    // Behind the requests, so that one that cancels finds what it means.
    for (const message of batch.others) this.message(message, inbound, id);
  }

  /** Lets `finished` wait for it, and sees to it that a failure is told somewhere. */
  track(work: Promise<void>, isEndless = false): void {
    const running = work.catch((error: unknown) =>
      this.#o.serving.host.log.error('call failed', { error: String(error) }),
    );
    const all = isEndless ? this.#endless : this.#running;
    all.add(running);
    void running.then(() => all.delete(running));
  }

  /** The client is gone: everything it asked for ends. */
  end(): void {
    this.#over = true;
    this.#endSession();
  }

  /**
   * Nobody vouches for its client any more: it hears of nothing but the calls that are at work.
   * @returns as `answered`
   */
  hush(): Promise<void> {
    this.#session?.standing.stop();
    return this.answered();
  }

  /** Resolves when what runs now has been answered, but for what has no answer until the end. */
  async answered(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Resolves when what runs now has ended. */
  async finished(): Promise<void> {
    await Promise.all([...this.#running, ...this.#endless]);
  }

  async #take(
    message: Exclude<Message, Request>,
    session: Session,
    arrival: Omit<Arrival, 'serving'>,
  ): Promise<void> {
    const { serving } = this.#o;
    // On a pipe it is taken at once, in the order of what comes.
    if (this.#o.transport === 'http' && (await denied(session, { ...arrival, serving }, BARE.POST))) return;
    take(message, session, { serving });
  }

  async #all({ requests, refusals }: Batch, inbound: Inbound, id: string): Promise<void> {
    const answers = [...refusals];
    const give: Give = async (answer) => {
      answers.push(typeof answer === 'string' ? answer : await answer.whole('a batch is answered whole'));
    };
    const all = requests.map((message, index) => this.#request(message, inbound, `${id}.${index + 1}`, give));
    await Promise.all(all);
    if (answers.length > 0) await this.#give(batchText(answers));
  }

  async #request(message: Request, inbound: Inbound, id: string, give: Give): Promise<void> {
    if (message.method === 'initialize') return this.#initialize(message, inbound, id);
    if (this.#session) return this.#inSession(message, this.#session, inbound, id, give);
    if (message.method === 'ping') return give(resultText(message.id.text, McpResult.complete({}).raw));
    return this.#refuse(message.id, this.#o.early.code, this.#o.early.detail);
  }

  async #initialize(message: Request, inbound: Inbound, id: string): Promise<void> {
    const { serving, path, listener, transport } = this.#o;
    const said = introduction(message);
    if (!said) {
      const detail = 'initialize needs params.protocolVersion and params.capabilities.';
      return this.#refuse(message.id, 'INVALID_REQUEST', detail);
    }
    if (this.#session)
      return this.#refuse(message.id, 'INVALID_REQUEST', 'The session is initialized already.');
    const base = { ...said, era: '2025', transport, principal: ANONYMOUS } as const;
    const session = new Session({
      path,
      client: base,
      now: serving.host.now(),
      standing: (self) => sessionStanding(self, path, listener, serving),
    });
    const undo = [
      serving.onSwap((changedFor) => session.standing.renew(changedFor(session.owner, path))),
      serving.onStop(() => session.standing.stop()),
    ];
    this.#endSession = (): void => {
      for (const each of undo.splice(0)) each();
      session.end();
    };
    if (this.#over) this.#endSession();
    this.#session = session;
    const { signal } = new AbortController();
    const { result, principal, close } = await serve(
      { ...this.#call(session.client, inbound, id), request: DISCOVER, signal },
      serving,
    );
    // Nobody else can write into a pipe; whoever learns a name can post.
    if (transport === 'http') session.bind(principal);
    if (result.kind === 'complete')
      await this.#give(resultText(message.id.text, initializeResult(result, said.version)));
    else {
      // The client may try again, with a session of its own each time.
      this.#session = undefined;
      this.#endSession();
      await this.#give(errorText(message.id.text, result.raw));
    }
    close();
  }

  async #inSession(
    message: Request,
    session: Session,
    inbound: Inbound,
    id: string,
    give: Give,
  ): Promise<void> {
    const { serving, out } = this.#o;
    const { client, asker } = session;
    const { parkTtl: timeout, rounds } = serving.limits();
    const { signal, end } = session.calls.begin(message.id);
    const local = await localAnswer(message, {
      session,
      host: serving.host,
      limits: serving.limits,
      admit: (request) => denied(session, { inbound, id, serving }, request),
      refused: (code, reason) => this.#told(code, reason, message.method),
    });
    if (local) {
      end();
      return give(answerText(message, local, client, serving.gateway));
    }
    const send = (text: string): boolean => {
      if (text !== '') void out.note(text);
      return true;
    };
    const asking = { asker, client, id, signal, timeout, rounds, host: serving.host, send };
    const served = await serve(
      {
        ...this.#call(client, inbound, id),
        request: requestOf(message.method, message.params, session.logLevel),
        signal,
        rounds: (request, first, run) => askRounds(request, first, run, asking),
      },
      serving,
    );
    // A cancelled request of the initialize era gets no response.
    if (signal.aborted) served.result.rest?.cancel();
    else await give(answerOf(message, served.result, client, serving.gateway));
    served.close();
    end(CALL_OVER);
  }

  #call(client: Client, inbound: Inbound, id: string) {
    const { serving, out } = this.#o;
    return {
      id,
      client,
      inbound,
      emit: (note: McpNotification) => {
        serving.host.metrics.notifications.inc({ method: noteLabel(note.method) });
        return out.note(notificationText(note.method, note.raw));
      },
    };
  }

  #told(code: ErrorName, reason: string | undefined, method?: string): void {
    const { serving, listener, path } = this.#o;
    serving.refused({ code, reason, listener, path, method });
  }

  #refuse(id: RawId, code: ErrorName, detail: string): Promise<void> {
    this.#told(code, detail);
    return this.#give(refusalText(code, detail, id));
  }
}
