// Our ids and progress tokens against theirs, for one connection. What belongs to no call is dropped and
// counted, or handed to `unsolicited`. Maps hold only calls in flight. Knows no transport.

import type { Exchange } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import { type Message, readId } from '../protocol/jsonrpc.ts';
import { McpNotification, META, withMeta } from '../protocol/message.ts';
import { RawJson, RawObject } from '../protocol/raw.ts';
import { Call, type Question, type Settled } from './call.ts';
import { isLessSevere } from './levels.ts';
import type { UpstreamLimits } from './spec.ts';
import { goesOn, type TaskToken, TaskTokens, tokenFor } from './task-tokens.ts';
import { lasting } from './transient.ts';

export interface CorrelatorHooks {
  /** A notification that belongs to no call: list_changed, updated, a log line outside of calls. */
  unsolicited(note: McpNotification): void;
  /** A notification that came within a call. What it tells of may be no news for that call alone. */
  inCall?(note: McpNotification): void;
  /** A request of the server; `via` is the call on whose stream it came, where the transport tells. */
  question(question: Question, via: Call | undefined): void;
  /** The server takes a question back. */
  withdrawn(questionKey: string): void;
  /** The client of a call is so slow that it has missed something that it must not miss. */
  missed(call: Call): void;
  /** A call is forgotten. */
  callOver(): void;
  /** Whether calls that nobody waits for any more may still say something that must not reach this one. */
  isDoubtful?(call: Call): boolean;
}

export class Correlator {
  readonly #calls = new Map<string, Call>();
  readonly #tokens = new Map<string, Call>();
  readonly #taskTokens: TaskTokens;
  #next = 1;

  constructor(
    readonly upstream: string,
    readonly host: Host,
    readonly hooks: CorrelatorHooks,
    readonly limits: Pick<UpstreamLimits, 'notifications' | 'streamBuffer' | 'taskTokens'>,
  ) {
    this.#taskTokens = new TaskTokens(limits.taskTokens, host);
  }

  get size(): { calls: number; tokens: number } {
    return { calls: this.#calls.size, tokens: this.#tokens.size };
  }

  /** Calls in flight, oldest first. */
  get calls(): IterableIterator<Call> {
    return this.#calls.values();
  }

  /** Registers a request under an id of ours, and a progress token where the caller gave one. */
  open(x: Exchange, emit: Emit): Call {
    const call = new Call(this.#next++, x, emit, () => ({
      count: this.limits.notifications,
      characters: this.limits.streamBuffer,
    }));
    this.#calls.set(keyOf(call), call);
    if (x.request.meta.progressToken !== undefined) this.#tokens.set(keyOf(call), call);
    this.host.metrics.upstreamPending.inc({ upstream: this.upstream });
    return call;
  }

  /** The call a resumed exchange has taken over may want progress now, or no longer. */
  retoken(call: Call): void {
    const wanted = call.x.request.meta.progressToken !== undefined;
    if (wanted && this.#calls.has(keyOf(call))) this.#tokens.set(keyOf(call), call);
    else this.#tokens.delete(keyOf(call));
  }

  /** Forgets a call, however it ended. */
  close(call: Call): void {
    this.#tokens.delete(keyOf(call));
    if (!this.#calls.delete(keyOf(call))) return;
    this.host.metrics.upstreamPending.dec({ upstream: this.upstream });
    this.hooks.callOver();
  }

  /** Ends every call, because the connection is gone. */
  fail(error: Extract<Settled, { kind: 'failed' }>['error']): void {
    for (const call of [...this.#calls.values()]) {
      call.settle({ kind: 'failed', error: call.heard ? lasting(error) : error });
      this.close(call);
    }
  }

  /**
   * Takes one message from the upstream.
   * @param via the call on whose stream it came, where the transport tells
   * @returns backpressure of the client it went to, if any
   */
  receive(message: Message, via?: Call): Promise<void> | undefined {
    switch (message.kind) {
      case 'result':
        return this.settle(message.id.key, { kind: 'result', raw: message.result });
      case 'error':
        return this.settle(message.id?.key ?? (via ? keyOf(via) : ''), { kind: 'error', raw: message.error });
      case 'request':
        this.hooks.question(message, via);
        return undefined;
      case 'notification':
        return this.#notification(message.method, message.params, via);
    }
  }

  /** The call with this id of ours, by the id's key. */
  find(id: string): Call | undefined {
    return this.#calls.get(id);
  }

  /** Ends a call. It is at work until its result, if that is passed on as it comes, is through. */
  settle(id: string, settled: Settled): undefined {
    const call = this.#calls.get(id);
    if (call === undefined || call.ended) return this.#drop('late_result');
    this.#taskTokens.keep(keyOf(call), call, settled);
    call.settle(settled);
    if (settled.kind === 'result' && settled.rest) void settled.rest.done.then(() => this.close(call));
    else this.close(call);
    return undefined;
  }

  #notification(
    method: string,
    params: RawObject | undefined,
    via: Call | undefined,
  ): Promise<void> | undefined {
    if (method === 'notifications/progress') return this.#progress(params);
    if (method === 'notifications/cancelled') return this.#cancelled(params);
    const subscription = params?.object('_meta')?.raw(META.subscriptionId);
    if (subscription !== undefined) return this.#subscribed(method, params, subscription);
    const note = new McpNotification(method, params);
    // Since 2026-07-28 a client finds out when it comes back.
    if (method === 'notifications/elicitation/complete' && via?.x.client.era === '2026')
      return this.#drop('no_form');
    if (via) {
      this.hooks.inCall?.(note);
      return this.#deliver(via, note);
    }
    if (method === 'notifications/message') return this.#log(note);
    this.hooks.unsolicited(note);
    return undefined;
  }

  #progress(params: RawObject | undefined): Promise<void> | undefined {
    const token = readId(params?.raw('progressToken') ?? '');
    const call = token && this.#tokens.get(token.key);
    const theirs = call?.x.request.meta.progressToken;
    const ofTask = call || !token ? undefined : this.#taskTokens.get(token.key);
    if (ofTask && params) return this.#taskProgress(ofTask, params);
    if (call === undefined || params === undefined || theirs === undefined)
      return this.#drop('progress_unknown_token');
    const value = params.get('progress');
    if (typeof value !== 'number') return this.#drop('progress_invalid');
    if (value < call.progress) {
      // Once is enough to find the server that does it, and does not fill the log.
      const fields = { upstream: this.upstream, requestId: call.x.id, from: call.progress, to: value };
      this.host.log[call.hasGoneBack ? 'debug' : 'warn']('progress went back, left out', fields);
      call.hasGoneBack = true;
      return this.#drop('progress_decreasing');
    }
    call.progress = value;
    const restored = params.with({ progressToken: new RawJson(theirs) });
    return this.#deliver(call, new McpNotification('notifications/progress', restored));
  }

  /** Told to whoever waits for the task's result, else outside of calls. */
  #taskProgress(ofTask: TaskToken, params: RawObject): Promise<void> | undefined {
    if (!goesOn(ofTask, params)) return this.#drop('progress_decreasing');
    const waiting = [...this.#calls.values()].find(({ task }) => task === ofTask.taskId);
    const theirs = tokenFor(ofTask, waiting);
    if (theirs === undefined) return this.#drop('progress_unknown_token');
    const restored = params.with({ progressToken: new RawJson(theirs) });
    const note = new McpNotification('notifications/progress', restored);
    if (waiting) return this.#deliver(waiting, note);
    this.hooks.unsolicited(note);
    return undefined;
  }

  /** A question is taken back, or a subscription ends: both are said this way (2026-07-28 patterns/cancellation). */
  #cancelled(params: RawObject | undefined): undefined {
    const id = readId(params?.raw('requestId') ?? '');
    if (id === undefined) return undefined;
    const call = this.#calls.get(id.key);
    if (call?.x.request.method === LISTEN)
      return this.settle(id.key, { kind: 'result', raw: RawObject.of({}) });
    this.hooks.withdrawn(id.key);
    return undefined;
  }

  /** Events of a subscriptions/listen stream carry the id of the listen request (2026-07-28 patterns/subscriptions). */
  #subscribed(
    method: string,
    params: RawObject | undefined,
    subscription: string,
  ): Promise<void> | undefined {
    const call = this.#calls.get(readId(subscription)?.key ?? '');
    if (call?.x.request.method !== LISTEN) return this.#drop('subscription_unknown');
    const bare = withMeta(params, { [META.subscriptionId]: undefined });
    return this.#deliver(call, new McpNotification(method, bare));
  }

  /** On a shared channel a log line names no call; it is somebody's only when nobody else is there, nor may be. */
  #log(note: McpNotification): Promise<void> | undefined {
    const [only, ...others] = [...this.#calls.values()].filter((call) => call.x.request.method !== LISTEN);
    if (only && others.length === 0 && !this.hooks.isDoubtful?.(only)) return this.#deliver(only, note);
    this.hooks.unsolicited(note);
    return undefined;
  }

  #deliver(call: Call, note: McpNotification): Promise<void> | undefined {
    if (note.method === 'notifications/message' && !wantsLog(call.x, note))
      return this.#drop('log_not_asked_for');
    const sent = call.deliver(note);
    if (sent !== false) return sent;
    if (!call.ended) {
      this.host.metrics.limitHits.inc({ limit: 'notifications' });
      // Log messages and progress can be missed; who misses anything else must not take what it has for all.
      if (!MISSABLE.has(note.method)) this.hooks.missed(call);
    }
    return this.#drop('call_over_or_slow');
  }

  #drop(reason: string): undefined {
    this.host.metrics.dropped.inc({ reason });
    return undefined;
  }
}

const LISTEN = 'subscriptions/listen';
const MISSABLE: ReadonlySet<string> = new Set(['notifications/message', 'notifications/progress']);

/** Without a session, logs flow only to a request that names a level (2026-07-28 server/utilities/logging). */
function wantsLog(x: Exchange, note: McpNotification): boolean {
  const least = x.request.meta.logLevel;
  if (least === undefined) return x.client.session !== undefined;
  const level = note.raw?.string('level');
  return level === undefined || !isLessSevere(level, least);
}

/** The key of the id under which the upstream knows a call. */
export function keyOf(call: Call): string {
  return `n:${call.id}`;
}
