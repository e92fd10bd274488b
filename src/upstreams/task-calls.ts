// Tools of an initialize-era server that can only be called as tasks, for clients that make a plain call: the
// gateway makes the task, waits for its result, and ends it when nobody waits any more (2025-11-25
// basic/utilities/tasks). What the task asks is asked as during any call.

import { errorResult, GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Emit } from '../core/handler.ts';
import { pause } from '../lib/pause.ts';
import { RELATED_TASK } from '../protocol/extensions.ts';
import { McpRequest, McpResult, withMeta } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { aside } from './aside.ts';
import type { Call, Settled } from './call.ts';
import { type Carrying, carry } from './carry.ts';
import { isLost, type Link } from './link.ts';
import { makesTasks, TaskTools } from './task-tools.ts';
import { lasting } from './transient.ts';

/** What a call of the gateway's is for: to make the task, or to have the result of this one. */
type Phase = 'make' | { readonly taskId: string };

export class TaskCalls {
  readonly #phases = new WeakMap<Call, Phase>();
  readonly #tools: TaskTools;

  /** @param patience how long an answer may take that is not the tool's own, milliseconds */
  constructor(
    readonly on: Carrying,
    readonly patience: number,
  ) {
    this.#tools = new TaskTools(patience, on.limits, on.host);
  }

  /** The tools of a link may be others now. */
  forget(link: Link): void {
    this.#tools.forget(link);
  }

  /** As `carry`, from the start: over a task where the tool wants one. */
  async carry(x: Exchange, emit: Emit, link: Link): Promise<McpResult | Settled> {
    if (x.request.method !== 'tools/call') return carry(link.start(x, emit), link, x, this.on);
    const sameEra = link.era === x.client.era;
    // The client's own task: its server's affair, or nothing that this server knows.
    if (sameEra && x.request.raw?.has('task')) return carry(link.start(x, emit), link, x, this.on);
    const plain = x.request.raw?.has('task') ? x.request.with({ task: undefined }) : x.request;
    if (!makesTasks(link) || !(await this.#tools.wantTask(x, link))) {
      const leg = plain === x.request ? x : this.#leg(x, plain);
      // Its caller may have gone while the list of tools was looked at.
      x.signal.throwIfAborted();
      return carry(link.start(leg, emit), link, x, this.on);
    }
    x.signal.throwIfAborted();
    const call = link.start(this.#leg(x, plain.with({ task: {} })), quiet(emit));
    this.#phases.set(call, 'make');
    const { signal, stop } = later(x.signal, this.patience);
    // Without its id the task could not be ended: a caller that goes does not end the call that brings it.
    const outcome = await carry(call, link, x.fork(this.on.upstream, x.request, signal), this.on);
    if (!call.parked) stop();
    return this.finish(call, outcome, x, emit, link);
  }

  /** Where notifications of a parked call go when it is taken up. */
  emitOf(call: Call, emit: Emit): Emit {
    return this.#phases.has(call) ? quiet(emit) : emit;
  }

  /** What has come of a call, or comes of the task it made. */
  async finish(
    call: Call,
    outcome: McpResult | Settled,
    x: Exchange,
    emit: Emit,
    link: Link,
  ): Promise<McpResult | Settled> {
    const phase = this.#phases.get(call);
    if (phase === undefined) return outcome;
    if (outcome instanceof McpResult) {
      if (outcome.kind === 'error') call.givenUp?.();
      return unrelated(outcome);
    }
    if (outcome.kind !== 'result') return outcome;
    if (phase !== 'make') return { kind: 'result', raw: withoutTask(outcome.raw) };
    const task = outcome.raw.object('task');
    const taskId = task?.string('taskId');
    return task && taskId !== undefined ? this.#wait(taskId, task, x, emit, link) : outcome;
  }

  async #wait(
    taskId: string,
    task: RawObject,
    x: Exchange,
    emit: Emit,
    link: Link,
  ): Promise<McpResult | Settled> {
    const end = (): void => {
      void aside(link, this.#about('tasks/cancel', taskId, x), this.patience);
    };
    if (x.signal.aborted) {
      end();
      return errorResult('CANCELLED', undefined, { requestId: x.id });
    }
    const request = new McpRequest('tasks/result', RawObject.of({ taskId }), x.request.meta);
    const call = link.start(this.#leg(x, request), quiet(emit));
    this.#phases.set(call, { taskId });
    call.givenUp = end;
    void this.#watch(call, taskId, this.#interval(task), x, link);
    const outcome = await carry(call, link, x, this.on);
    // What was not processed is the request for the result. The tool may have done its work, so it is not called again.
    if (!(outcome instanceof McpResult) && outcome.kind === 'failed') {
      if (isLost(outcome)) return this.#gone();
      return { kind: 'failed', error: lasting(outcome.error) };
    }
    return this.finish(call, outcome, x, emit, link);
  }

  #gone(): Settled {
    const { upstream } = this.on;
    const why = `The upstream "${upstream}" ended the session, and with it the task of this call.`;
    return { kind: 'failed', error: new GatewayError('UPSTREAM_UNAVAILABLE', why, { upstream }) };
  }

  /** That the server knows the task is a sign of life; that it does not is the end of the call. */
  async #watch(call: Call, taskId: string, first: number, x: Exchange, link: Link): Promise<void> {
    const over = new AbortController();
    void call.settled.then(() => over.abort());
    for (let interval = first; ; ) {
      await pause(interval, over.signal).catch(() => {});
      if (call.ended) return;
      const seen = await aside(link, this.#about('tasks/get', taskId, x, over.signal), this.patience);
      if (call.ended) return;
      if (seen.kind === 'result') {
        call.onActivity?.();
        interval = this.#interval(seen.raw);
      } else if (seen.kind === 'error') {
        call.settle(seen);
        link.cancel(call, 'the task is not there any more');
      }
    }
  }

  /** Until the next look at a task. */
  #interval(task: RawObject): number {
    const { limits, host } = this.on;
    const given = task.get('pollInterval');
    if (typeof given !== 'number' || given <= 0) return limits.taskPoll;
    if (given < limits.taskPollLeast) host.metrics.limitHits.inc({ limit: 'task_poll_least' });
    if (given > limits.taskPollMost) host.metrics.limitHits.inc({ limit: 'task_poll_most' });
    return Math.min(Math.max(given, limits.taskPollLeast), limits.taskPollMost);
  }

  /** Not with the caller's signal: it may be for nobody who still waits. */
  #about(method: string, taskId: string, x: Exchange, signal = new AbortController().signal): Exchange {
    return x.fork(this.on.upstream, new McpRequest(method, RawObject.of({ taskId })), signal);
  }

  #leg(x: Exchange, request: McpRequest): Exchange {
    return x.fork(this.on.upstream, request);
  }
}

/** Aborts so much later than another signal. */
function later(signal: AbortSignal, ms: number) {
  const controller = new AbortController();
  let timer: Timer | undefined;
  const begin = (): void => {
    timer = setTimeout(() => controller.abort(signal.reason), ms);
  };
  if (signal.aborted) begin();
  else signal.addEventListener('abort', begin, { once: true });
  const stop = (): void => {
    signal.removeEventListener('abort', begin);
    clearTimeout(timer);
  };
  return { signal: controller.signal, stop };
}

/** The client knows of no task, so it hears of none. */
function quiet(emit: Emit): Emit {
  return (note) => {
    if (note.method === 'notifications/tasks/status') return undefined;
    const { _meta } = note.params;
    return emit(_meta === undefined ? note : note.with({ _meta: withoutTask(note.raw).object('_meta') }));
  };
}

function withoutTask(raw: RawObject | undefined): RawObject {
  return withMeta(raw, { [RELATED_TASK]: undefined }) ?? RawObject.of({});
}

function unrelated(result: McpResult): McpResult {
  const inputs = result.raw.object('inputRequests');
  if (!inputs?.text.includes(RELATED_TASK)) return result;
  const bare = inputs.keys().map((key) => {
    const input = inputs.object(key) ?? RawObject.of({});
    return [key, input.with({ params: withoutTask(input.object('params')) })] as const;
  });
  return result.with({ inputRequests: inputs.with(Object.fromEntries(bare)) });
}
