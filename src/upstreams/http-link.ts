// A link over Streamable HTTP: one POST per call, its answer JSON or a stream of events. Both eras; what they
// differ in is the head (http-head.ts), how a call is cancelled, and whether a broken stream can be resumed.

import { GatewayError, messageOf } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import { HeaderError } from '../protocol/headers.ts';
import { errorText, type Message, notificationText, resultText } from '../protocol/jsonrpc.ts';
import type { Era, McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { readToEnd } from './broken-stream.ts';
import type { Call, Question, Settled } from './call.ts';
import { Correlator } from './correlate.ts';
import { decodeSettled } from './decode.ts';
import type { HttpAnswer, HttpClient } from './http-client.ts';
import { Unanswered } from './http-faults.ts';
import type { HeadOptions } from './http-head.ts';
import { mediaType, type Reading, readJson } from './http-read.ts';
import { HttpSender } from './http-sender.ts';
import { type Asked, statusFault, unavailable } from './http-status.ts';
import {
  type Hello,
  type Link,
  type LinkEvents,
  type Reply,
  SessionLost,
  type StandingStream,
} from './link.ts';
import { passOn } from './long-answers.ts';
import type { Own } from './own.ts';
import { isRead } from './reads.ts';
import { requestOf } from './requests.ts';
import type { UpstreamLimits, UpstreamTimeouts } from './spec.ts';
import { openStanding } from './standing.ts';
import { type ToolHeaders, withoutInvalidTools } from './tool-headers.ts';
import { lasting } from './transient.ts';

export interface HttpLinkParts {
  readonly name: string;
  readonly era: Era;
  readonly hello: Hello;
  readonly client: HttpClient;
  readonly head: HeadOptions;
  readonly limits: UpstreamLimits;
  readonly timeouts: UpstreamTimeouts;
  readonly toolHeaders?: ToolHeaders | undefined;
  readonly events: LinkEvents;
  readonly host: Host;
  readonly own: Own;
  /** Whether what only reads may be sent again where its connection had been closed before. */
  reconnects(): boolean;
  /** Where a question of the server goes. */
  question(question: Question, via: Call | undefined): void;
  withdrawn(questionKey: string): void;
}

const CANCELLED = 'notifications/cancelled';

export class HttpLink implements Link {
  readonly era: Era;
  readonly hello: Hello;
  readonly #p: HttpLinkParts;
  readonly #correlator: Correlator;
  readonly #aborts = new Map<Call, AbortController>();
  readonly #closing = new AbortController();
  readonly notify = (x: Exchange) => this.#post(notificationText(x.request.method, x.request.raw), x);
  readonly #sender: HttpSender;
  #standing: StandingStream | undefined;
  #closed: Promise<void> | undefined;
  #ended = false;

  constructor(parts: HttpLinkParts) {
    this.#p = parts;
    this.era = parts.era;
    this.hello = parts.hello;
    this.#sender = new HttpSender(parts);
    this.#correlator = new Correlator(
      parts.name,
      parts.host,
      {
        unsolicited: (note) => parts.events.unsolicited(note),
        inCall: (note) => parts.events.inCall?.(note),
        question: (question, via) => parts.question(question, via),
        withdrawn: (key) => parts.withdrawn(key),
        missed: (call) => this.#tooSlow(call),
        callOver: () => parts.events.callOver(),
      },
      parts.limits,
    );
  }

  get size() {
    return this.#correlator.size;
  }

  calls(): Iterable<Call> {
    return this.#correlator.calls;
  }

  start(x: Exchange, emit: Emit): Call {
    const call = this.#correlator.open(x, emit);
    const abort = new AbortController();
    this.#aborts.set(call, abort);
    void this.#exchange(call, abort.signal)
      .catch((error: unknown) => this.#fail(call, error))
      .finally(() => {
        this.#aborts.delete(call);
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
    const abort = this.#aborts.get(call);
    // Closing the stream is the cancellation since 2026-07-28; before, it has to be said.
    if (this.era === '2025' && call.sent && !call.ended) {
      const params = RawObject.of({ requestId: call.id, reason });
      const x = call.parked ? this.#p.own(CANCELLED, params) : call.x;
      this.#sender.tell(this.#post(notificationText(CANCELLED, params), x));
    }
    call.settle({ kind: 'failed', error });
    call.discard();
    // Last: it may be the last call of a link that is closed then.
    this.#correlator.close(call);
    abort?.abort(new GatewayError('CANCELLED'));
  }

  async answer({ id, method, params }: Question, reply: Reply, call?: Call): Promise<void> {
    const text = 'result' in reply ? resultText(id.text, reply.result) : errorText(id.text, reply.error);
    await this.#post(text, call?.x ?? this.#p.own(method, params)).catch((error: unknown) => {
      this.#sessionEnds(error);
      throw error;
    });
  }

  decode(x: Exchange, settled: Settled): McpResult {
    const { name, host, toolHeaders } = this.#p;
    if (settled.kind !== 'result' || x.request.method !== 'tools/list' || !toolHeaders) {
      return decodeSettled(name, this.era, x, settled);
    }
    const raw = withoutInvalidTools(settled.raw, (tool) =>
      host.log.warn('tool hidden: its x-mcp-header declarations break the rules', { upstream: name, tool }),
    );
    return decodeSettled(name, this.era, x, { kind: 'result', raw });
  }

  listen(): StandingStream {
    this.#standing ??= this.#stand();
    return this.#standing;
  }

  #stand(): StandingStream {
    const asked = Promise.withResolvers<void>();
    const stands = Promise.withResolvers<boolean>();
    const soon = setTimeout(() => {
      this.#p.host.metrics.timeouts.inc({ kind: 'standing', upstream: this.#p.name });
      stands.resolve(true);
    }, this.#p.timeouts.standing);
    void openStanding({
      asked: asked.resolve,
      stands: (gap) => {
        stands.resolve(true);
        // Whoever watches has been promised to hear what was sent before this.
        if (gap) this.#p.events.missed?.();
      },
      get: (lastEventId, signal, sent) => this.#sender.get(this.#p.own('GET'), lastEventId, signal, sent),
      reading: { ...this.#reading(undefined), message: (message) => void this.#receive(message, undefined) },
      signal: this.#closing.signal,
      log: this.#p.host.log,
    })
      .catch((error: unknown) => this.#sessionEnds(error))
      .then(() => {
        asked.resolve();
        stands.resolve(false);
      });
    return { asked: asked.promise, stands: stands.promise.finally(() => clearTimeout(soon)) };
  }

  get closing(): boolean {
    return this.#closing.signal.aborted;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    for (const call of [...this.#aborts.keys()]) this.cancel(call, 'the gateway closes the connection');
    if (!this.#ended) await this.#sender.end();
    this.#end('was closed');
  }

  #end(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#closing.abort();
    this.#p.events.ended(why);
  }

  #sessionEnds(error: unknown): void {
    if (error instanceof SessionLost) this.#end(error.message);
  }

  #fail(call: Call, error: unknown): void {
    this.#sessionEnds(error);
    const fault = faultOf(error, this.#p.name);
    call.settle({ kind: 'failed', error: call.heard ? lasting(fault) : fault });
  }

  async #exchange(call: Call, signal: AbortSignal): Promise<void> {
    const headers = await this.#p.toolHeaders?.for(call.x, this);
    const answer = await this.#send(requestOf(this.era, call), call, headers ?? {}, signal);
    call.onActivity?.();
    const refresh = await this.#read(answer, call, signal);
    if (refresh === 'headers' && this.#p.toolHeaders) {
      // -32020: our idea of the tool's headers is old; list again and try once more (2026-07-28 §Server Validation).
      this.#p.toolHeaders.forget();
      const again = await this.#p.toolHeaders.for(call.x, this);
      await this.#read(await this.#send(requestOf(this.era, call), call, again, signal), call, signal, true);
    }
    if (!call.ended)
      throw new GatewayError(
        'UPSTREAM_INVALID',
        `The upstream "${this.#p.name}" ended its answer without a result (${mediaType(answer)}).`,
        { upstream: this.#p.name },
      );
  }

  #send(body: string, call: Call, extra: Record<string, string>, signal: AbortSignal): Promise<HttpAnswer> {
    const send = (): Promise<HttpAnswer> =>
      this.#sender.post(body, call.x, signal, extra, () => {
        call.sent ||= !signal.aborted;
      });
    return send().catch((error: unknown) => {
      if (error instanceof Unanswered && isRead(call.x.request.method) && this.#p.reconnects()) return send();
      throw error;
    });
  }

  /** A message of ours that is no request. @throws GatewayError when it is refused */
  async #post(body: string, x: Exchange): Promise<void> {
    const answer = await this.#sender.message(body, x);
    if (answer.status < 200 || answer.status > 299) {
      const verdict = await statusFault(answer, this.#reading(undefined), this.#asked);
      throw verdict.kind === 'fault' ? verdict.error : unavailable(answer, this.#p.name);
    }
    answer.discard();
  }

  get #asked(): Asked {
    return { era: this.era, session: this.#p.head.session !== undefined };
  }

  #reading(call: Call | undefined): Reading {
    const { name, limits, host } = this.#p;
    return {
      upstream: name,
      limits,
      host,
      message: (message) => {
        call?.onActivity?.();
        return this.#receive(message, call);
      },
      long: (head) =>
        passOn(head, { upstream: name, era: this.era, limits, correlator: this.#correlator, host }, call),
      garbage: (what) => {
        host.metrics.dropped.inc({ reason: 'upstream_garbage' });
        host.log.warn('upstream sent what is not MCP', { upstream: name, what });
      },
    };
  }

  #receive(message: Message, call: Call | undefined): Promise<void> | undefined {
    if (message.kind === 'request' && message.method === 'ping') {
      void this.answer(message, { result: RawObject.of({}) }).catch(() => {});
      return undefined;
    }
    return this.#correlator.receive(message, call);
  }

  /** @returns 'headers' when the upstream says our mirrored headers are wrong */
  async #read(
    answer: HttpAnswer,
    call: Call,
    signal: AbortSignal,
    last = false,
  ): Promise<'headers' | undefined> {
    const reading = this.#reading(call);
    if (answer.status < 200 || answer.status > 299) {
      const verdict = await statusFault(answer, reading, this.#asked);
      if (verdict.kind === 'fault') throw verdict.error;
      // The next request finds out anew what the upstream speaks.
      if (verdict.stale) this.#end('may speak another era by now');
      if (verdict.headers && !last && this.era === '2026') return 'headers';
      if (verdict.passing && verdict.message.kind === 'error')
        call.settle({ kind: 'error', raw: verdict.message.error, passing: verdict.passing });
      else await reading.message(verdict.message);
      return undefined;
    }
    call.heard = true;
    const type = mediaType(answer);
    if (type === 'application/json') await readJson(answer, reading);
    else if (type === 'text/event-stream') await this.#stream(answer, call, reading, signal);
    else {
      answer.discard();
      throw new GatewayError(
        'UPSTREAM_INVALID',
        `The upstream "${this.#p.name}" answered ${answer.status} with ${type || 'no content'}.`,
        { upstream: this.#p.name },
      );
    }
    return undefined;
  }

  #stream(first: HttpAnswer, call: Call, reading: Reading, signal: AbortSignal): Promise<void> {
    return readToEnd(first, {
      reading,
      resumes: this.era === '2025',
      over: () => call.ended,
      again: (lastEventId) => this.#sender.get(call.x, lastEventId, signal),
      signal,
    });
  }
}

function faultOf(error: unknown, upstream: string): GatewayError {
  if (error instanceof GatewayError) return error;
  // What the caller gave cannot be written into the headers that mirror it.
  if (error instanceof HeaderError)
    return new GatewayError('PARAMS_INVALID', `Invalid params: ${error.message}.`);
  return new GatewayError('UPSTREAM_INVALID', messageOf(error), { upstream });
}
