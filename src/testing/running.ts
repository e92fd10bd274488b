// One call through the pipeline of a test: the client and the upstream are what the test says of them.

import { progressFact } from '../core/call-progress.ts';
import { errorResult, isFault } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Emit, Handler } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import { type LiveCall, LiveCalls } from '../core/live-calls.ts';
import type { Outbound } from '../core/outbound.ts';
import { during, phases } from '../core/phases.ts';
import { pipeline } from '../core/pipeline.ts';
import type { Step } from '../core/step.ts';
import { McpNotification, type McpRequest } from '../protocol/message.ts';
import {
  type Answer,
  type Call,
  exchangeOf,
  type LogLine,
  noteOf,
  type Outcome,
  outboundOf,
  type Running,
  resultOf,
  type ScriptedUpstream,
} from './call.ts';
import type { Clock } from './clock.ts';

/** What a call runs on. */
export interface Stage {
  readonly step: Step;
  /** The upstream in whose pipeline the plugin is, if it is in one. */
  readonly upstream: string | undefined;
  readonly host: Host;
  readonly clock: Clock;
  /** All lines so far. */
  readonly log: readonly LogLine[];
  /** What hooks threw, by exchange. */
  readonly failures: WeakMap<Exchange, unknown[]>;
}

interface Seen {
  readonly notes: McpNotification[];
  readonly late: McpNotification[];
  readonly sent: Outbound[];
  request: McpRequest | undefined;
  isOver: boolean;
}

export function startCall(call: Call, id: string, stage: Stage): Running {
  const { clock, host, upstream } = stage;
  const client = new AbortController();
  const x = exchangeOf(call, id, client.signal, clock.now());
  const subject = upstream === undefined ? x : x.fork(upstream, x.request);
  const seen: Seen = { notes: [], late: [], sent: [], request: undefined, isOver: false };
  const failures: unknown[] = [];
  stage.failures.set(subject, failures);
  const from = stage.log.length;
  const emit: Emit = (note) => {
    if (!(note instanceof McpNotification)) throw new TypeError('emit takes a McpNotification');
    (seen.isOver ? seen.late : seen.notes).push(note);
    return call.take?.(note);
  };
  const live = clock.run(() => lookedAt(x, emit, stage));
  subject.set(progressFact, live.progress);
  const outcome = clock.run(async (): Promise<Outcome> => {
    const handle = pipeline([stage.step], scripted(call, seen, clock), host);
    let result = errorResult('INTERNAL');
    try {
      call.before?.(subject);
      result = await handle(subject, live.progress.emit);
    } finally {
      live.end();
      seen.isOver = true;
      subject.close(result);
    }
    const { notes, late, sent, request } = seen;
    const get: Outcome['get'] = (fact) => subject.get(fact);
    const shows: Outcome['shows'] = (thing) => subject.shows(thing);
    const headers = x.inbound.answer?.headers ?? {};
    return { result, headers, notes, late, request, sent, log: stage.log.slice(from), failures, get, shows };
  });
  return {
    notes: seen.notes,
    outcome,
    cancel: () => client.abort(new Error('the client cancelled the call')),
  };
}

/** How long a phase lasts until a client that was told of it is told again, milliseconds: the gateway's default. */
const REPEAT_MS = 15_000;

/** What the client is told of phases, as the listener would have it. */
function lookedAt(x: Exchange, emit: Emit, { host, clock }: Stage): LiveCall {
  const { id, client, request, inbound } = x;
  const { method, meta } = request;
  return new LiveCalls(
    host,
    () => REPEAT_MS,
    () => clock.now(),
  ).begin({
    ...{ id, client, method, emit, endpoint: inbound.endpoint, listener: inbound.listener },
    token: meta.progressToken,
    x: () => x,
    asked: () => undefined,
  });
}

/** The innermost handler: the upstream, as the call describes it. */
function scripted(call: Call, seen: Seen, clock: Clock): Handler {
  return async (x, emit) => {
    seen.request = x.request;
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(x.signal.reason);
    if (x.signal.aborted) onAbort();
    x.signal.addEventListener('abort', onAbort, { once: true });
    try {
      for (let sent = 1; sent <= (call.attempts ?? 1); sent++) seen.sent.push(await leave(x, sent));
      const answered = Promise.race([promise, answer(call, x, emit, clock)]);
      return resultOf(await during(x, phases.answer('upstream'), answered));
    } catch (error) {
      if (x.signal.aborted) return errorResult('CANCELLED', undefined, { requestId: x.id });
      if (isFault(error)) return error.result;
      throw error;
    }
  };
}

/** The message as it leaves, after the hooks that look at it last. */
async function leave(x: Exchange, id: number): Promise<Outbound> {
  let last = outboundOf(x.request, id);
  for (const sender of x.senders) last = (await sender(last, x)) ?? last;
  return last;
}

async function answer(call: Call, x: Exchange, emit: Emit, clock: Clock): Promise<Answer> {
  const upstream: ScriptedUpstream = {
    request: x.request,
    signal: x.signal,
    async emit(note) {
      x.signal.throwIfAborted();
      await emit(noteOf(note));
    },
    wait: (ms) => new Promise((resolve) => clock.set(resolve, ms, false)),
  };
  if (call.upstream) return call.upstream(upstream);
  for (const note of call.notes ?? []) await upstream.emit(note);
  return call.result ?? { content: [] };
}
