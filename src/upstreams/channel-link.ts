// A link over a channel that all calls share, told apart by our ids: a child process in either era, or HTTP+SSE.

import { ANONYMOUS, type Client, identityKey } from '../core/client.ts';
import { GatewayError, messageOf } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import { countLimit } from '../core/limit-hit.ts';
import { createBudget } from '../lib/budget.ts';
import { settledWithin } from '../lib/settled.ts';
import {
  errorText,
  isBatch,
  type Message,
  MessageError,
  notificationText,
  parseMessage,
  type RawId,
  resultText,
} from '../protocol/jsonrpc.ts';
import type { Era, McpResult } from '../protocol/message.ts';
import { JsonError, RawObject } from '../protocol/raw.ts';
import { unreadIn } from '../protocol/unread.ts';
import { textsOf } from './batch.ts';
import type { Call, Question, Settled } from './call.ts';
import { type Channel, type ChannelHooks, Unwritten } from './channel.ts';
import { Correlator } from './correlate.ts';
import { decodeSettled } from './decode.ts';
import { LateAnswers } from './late-answers.ts';
import { type Hello, type Link, type LinkEvents, type Reply, SessionLost } from './link.ts';
import { passOn } from './long-answers.ts';
import type { Own } from './own.ts';
import { mayAsk } from './park.ts';
import { Patience } from './patience.ts';
import { requestOf } from './requests.ts';
import { hasOther, isTurnedAway, sendThrough } from './senders.ts';
import type { UpstreamLimits } from './spec.ts';
import { passOver } from './too-long.ts';
import { lasting, Transient } from './transient.ts';

const CANCELLED = 'notifications/cancelled';
/**
 * Most calls remembered that were given up; a server need not answer them. Fixed: one beyond that leaves everybody in
 * doubt for as long as its own memory would have lasted, so nothing but questions that are declined depends on it.
 */
const ABANDONED = 100;
/** Lines of the log in a second about what is no message; the figures have all of it. */
const GARBAGE = 20;

export interface ChannelLinkParts {
  readonly name: string;
  readonly limits: UpstreamLimits;
  /**
   * How long the server may take for cancellations at the end, milliseconds; for channels that take whoever could
   * hear them along. A process learns from its pipe, and may end what is at work.
   */
  readonly lastWords?: number;
  /** How long the server may take to obey a cancellation, milliseconds. */
  readonly cancel: number;
  /** How long a client that takes its result slowly may hold up the others, milliseconds. */
  readonly slowClient: number;
  readonly host: Host;
  readonly events: LinkEvents;
  readonly own: Own;
  question(question: Question, via: Call | undefined): void;
  withdrawn(questionKey: string): void;
}

export class ChannelLink implements Link {
  /** Set by `greet` once the era and the server are known. */
  era: Era = '2026';
  hello: Hello = { version: '', capabilities: RawObject.of({}), info: undefined, instructions: undefined };
  readonly #p: ChannelLinkParts;
  readonly #correlator: Correlator;
  readonly #channel: Channel;
  /** Cancellations on their way. */
  readonly #telling = new Set<Promise<void>>();
  /** Calls that were given up and that the server has not answered, and since when: it may still ask for them. */
  readonly #abandoned = new Map<string, { readonly at: number; readonly x: Exchange }>();
  readonly #late: LateAnswers;
  readonly #lines: () => number | undefined;
  #forgottenAt: number | undefined;
  #closing = false;

  /** @throws what `open` throws */
  constructor(parts: ChannelLinkParts, open: (hooks: ChannelHooks) => Channel) {
    this.#p = parts;
    const { name, host, events } = parts;
    this.#correlator = new Correlator(
      name,
      host,
      {
        unsolicited: (note) => events.unsolicited(note),
        question: (question, via) => parts.question(question, via),
        withdrawn: (key) => parts.withdrawn(key),
        missed: (call) => this.#tooSlow(call),
        callOver: () => events.callOver(),
        isDoubtful: ({ x }) => this.doubtfulFor(x),
      },
      parts.limits,
    );
    this.#late = new LateAnswers({ now: host.now, cancel: parts.cancel, isSame: isSameCaller });
    this.#lines = createBudget(GARBAGE, 1_000, host.now);
    const others = (): boolean => this.#correlator.size.calls > 1;
    const patience = new Patience({ upstream: name, most: parts.slowClient, others, host });
    const { limits } = parts;
    this.#channel = open({
      text: (text) => this.#text(text),
      long: (head) =>
        passOn(
          head,
          { upstream: name, era: this.era, limits, correlator: this.#correlator, host },
          this.#late.only(this.#correlator.calls),
        ),
      tooLong: (head) =>
        passOver(head, {
          upstream: name,
          limits,
          correlator: this.#correlator,
          host,
          answered: (id) => this.#answered(id),
        }),
      room: (sink) => patience.room(sink),
      garbage: (what) => this.#garbage(what),
      gone: (why, fault) => this.#gone(why, fault),
    });
  }

  get size() {
    return this.#correlator.size;
  }

  /** Nothing on it tells which call a question is for. */
  get shared(): boolean {
    return true;
  }

  get doubtful(): boolean {
    const { host, limits } = this.#p;
    for (const [id, { at }] of this.#abandoned)
      if (host.now() - at > limits.parkTtl) this.#abandoned.delete(id);
    return this.#abandoned.size > 0 || this.#hasForgotten;
  }

  get #hasForgotten(): boolean {
    const { host, limits } = this.#p;
    return this.#forgottenAt !== undefined && host.now() - this.#forgottenAt <= limits.parkTtl;
  }

  doubtfulFor({ caller }: Exchange): boolean {
    if (!this.doubtful) return false;
    if (this.#hasForgotten || this.unsettled(caller) > 0) return true;
    return [...this.#abandoned.values()].some(({ x }) => !isSamePrincipal(x.caller, caller));
  }

  unsettled(client: Client): number {
    const { host, cancel } = this.#p;
    const left = [...this.#abandoned.values()]
      .filter(({ x }) => isSamePrincipal(x.caller, client) && !isSameCaller(x.caller, client))
      .map(({ at }) => at + cancel - host.now());
    return Math.max(0, ...left);
  }

  greet(era: Era, hello: Hello): void {
    this.era = era;
    this.hello = hello;
  }

  calls(): Iterable<Call> {
    return this.#correlator.calls;
  }

  start(x: Exchange, emit: Emit): Call {
    const call = this.#correlator.open(x, emit);
    void this.#send(call).catch((error: unknown) => {
      const fault = this.#fault(error);
      call.settle({ kind: 'failed', error: call.heard ? lasting(fault) : fault });
      this.#correlator.close(call);
    });
    return call;
  }

  #tooSlow(call: Call): void {
    const error = new GatewayError('CLIENT_SLOW', undefined, { upstream: this.#p.name });
    this.cancel(call, 'its client does not read', error);
  }

  resume(call: Call, x: Exchange, emit: Emit): void {
    call.attach(x, emit);
    this.#correlator.retoken(call);
  }

  cancel(call: Call, reason: string, error = new GatewayError('CANCELLED')): void {
    if (call.sent && !call.ended) {
      this.#late.expect(call);
      if (mayAsk(call.x.request.method)) this.#abandon(call);
      const params = RawObject.of({ requestId: call.id, reason });
      const text = notificationText(CANCELLED, params);
      // That the process is gone shows elsewhere.
      const told = this.#write(text, call.parked ? this.#p.own(CANCELLED, params) : call.x)
        .catch(() => {})
        .finally(() => this.#telling.delete(told));
      this.#telling.add(told);
    }
    this.#correlator.close(call);
    call.settle({ kind: 'failed', error });
    call.discard();
  }

  #abandon({ id, x }: Call): void {
    this.#abandoned.set(String(id), { at: this.#p.host.now(), x });
    const [oldest] = this.#abandoned.keys();
    if (oldest === undefined || this.#abandoned.size <= ABANDONED) return;
    this.#forgottenAt = this.#p.host.now();
    this.#abandoned.delete(oldest);
    this.#p.host.metrics.limitHits.inc({ limit: 'abandoned' });
  }

  answer(question: Question, reply: Reply, call?: Call): Promise<void> {
    const { id, method, params } = question;
    const text = 'result' in reply ? resultText(id.text, reply.result) : errorText(id.text, reply.error);
    return this.#write(text, call?.x ?? this.#p.own(method, params));
  }

  decode(x: Exchange, settled: Settled): McpResult {
    return decodeSettled(this.#p.name, this.era, x, settled);
  }

  /** A notification of ours. */
  notify(x: Exchange): Promise<void> {
    return this.#write(notificationText(x.request.method, x.request.raw), x);
  }

  get closing(): boolean {
    return this.#closing;
  }

  async close(): Promise<void> {
    this.#closing = true;
    const { lastWords } = this.#p;
    if (lastWords !== undefined) await this.#cancelAll(lastWords);
    await this.#channel.close();
  }

  async #cancelAll(patience: number): Promise<void> {
    const { name, host } = this.#p;
    for (const call of [...this.#correlator.calls]) this.cancel(call, 'the gateway closes the connection');
    if (!(await settledWithin(Promise.all(this.#telling), patience)))
      host.metrics.timeouts.inc({ kind: 'close', upstream: name });
  }

  async #send(call: Call): Promise<void> {
    const body = requestOf(this.era, call);
    await this.#write(body, call.x, () => {
      // Cancelled while a sender was at work.
      if (call.ended) return false;
      call.sent = true;
      return true;
    });
  }

  /** @param still asked last, whether the message is wanted */
  async #write(body: string, x: Exchange, still = () => true): Promise<void> {
    const outbound = this.#channel.outbound(body, x, this.hello.version || undefined);
    // Where nothing looks at it, it is sent at once: what is said first arrives first.
    const last = x.senders.length === 0 ? outbound : await sendThrough(x, outbound);
    if (!still()) return;
    await this.#channel.send(last).catch(async (error: unknown) => {
      if (!isTurnedAway(error) || !(await hasOther(x, { outbound: last, challenge: undefined }))) throw error;
      const again = await sendThrough(x, outbound);
      if (still()) await this.#channel.send(again);
    });
  }

  #text(text: string): void {
    this.#unlessGarbage(text, () => {
      const { limits, host } = this.#p;
      const { json } = limits;
      if (!isBatch(text)) return this.#receive(parseMessage(text, json));
      for (const each of textsOf(text, limits, host))
        this.#unlessGarbage(each, () => this.#receive(parseMessage(each, json)));
    });
  }

  #unlessGarbage(text: string, read: () => void): void {
    try {
      read();
    } catch (error) {
      if (error instanceof MessageError || error instanceof JsonError) {
        countLimit(error, this.#p.host);
        this.#garbage(error.message);
        if (error instanceof MessageError && error.limit) this.#unread(text, error.message);
      } else
        this.#p.host.log.error('a message of the upstream could not be handled', {
          upstream: this.#p.name,
          error: messageOf(error),
        });
    }
  }

  /** Nobody waits for what is beyond a limit: neither a call of ours, nor the server for an answer to its question. */
  #unread(text: string, why: string): void {
    const { name: upstream, own } = this.#p;
    for (const { id, kind } of unreadIn(text)) {
      if (kind === 'request') {
        const error = RawObject.of({ code: -32600, message: why });
        void this.#write(errorText(id.text, error), own('', undefined)).catch(() => {});
        continue;
      }
      this.#answered(id);
      const what = `The upstream "${upstream}" answered with what is refused: ${why}.`;
      const error = new GatewayError('UPSTREAM_INVALID', what, { upstream });
      this.#correlator.settle(id.key, { kind: 'failed', error });
    }
  }

  #garbage(what: string): void {
    const { host, name } = this.#p;
    host.metrics.dropped.inc({ reason: 'upstream_garbage' });
    const unlogged = this.#lines();
    if (unlogged === undefined) return;
    host.log.warn('upstream sent what is not MCP', {
      upstream: name,
      what,
      ...(unlogged > 0 && { unlogged }),
    });
  }

  #receive(message: Message): void {
    if (message.kind === 'request' && message.method === 'ping') {
      void this.answer(message, { result: RawObject.of({}) }).catch(() => {});
      return;
    }
    if (message.kind === 'result' || message.kind === 'error') this.#answered(message.id);
    // Not waited for: the channel is shared, and one slow client must not stop the others.
    void this.#correlator.receive(message);
  }

  /** Whatever came for this id: what was given up is over. */
  #answered(id: RawId | undefined): void {
    const text = id?.text ?? '';
    this.#late.came(text);
    if (this.#abandoned.delete(text)) this.#p.events.callOver();
  }

  #gone(why: string, fault: GatewayError | undefined): void {
    this.#correlator.fail(fault ?? this.#fault(new Error(`${this.#channel.what} ${why}`)));
    this.#p.events.ended(why);
  }

  #fault(error: unknown): GatewayError {
    if (error instanceof GatewayError) return error;
    const { name } = this.#p;
    const why = `is not there: ${messageOf(error)}`;
    if (error instanceof Unwritten) return new SessionLost(name, why);
    return new Transient('UPSTREAM_UNAVAILABLE', `The upstream "${name}" ${why}.`, { upstream: name });
  }
}

/** Nobody else is shown what either is asked: one session, one pipe, or one principal that is known. */
function isSameCaller(one: Client, other: Client): boolean {
  if (one.session || other.session) return one.session?.key === other.session?.key;
  if (!isSamePrincipal(one, other)) return false;
  return one.principal.id !== ANONYMOUS.id || (one.transport === 'stdio' && other.transport === 'stdio');
}

function isSamePrincipal(one: Client, other: Client): boolean {
  return identityKey(one.principal) === identityKey(other.principal);
}
