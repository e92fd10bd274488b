// One exchange over one link: to the result, to a question, to a deadline or to its cancellation, whichever
// comes first. The same for every transport and era.

import { errorResult, GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { phases } from '../core/phases.ts';
import type { McpResult } from '../protocol/message.ts';
import type { Call, Question, Settled } from './call.ts';
import { type Clock, type Deadlines, startClock } from './clock.ts';
import type { Link } from './link.ts';
import type { Park } from './park.ts';
import { watchRest } from './rest-watch.ts';
import { type Endurance, SlowClient, type Taking } from './slow-client.ts';
import type { UpstreamLimits } from './spec.ts';

export interface Carrying extends Taking {
  readonly park: Park;
  readonly limits: Pick<UpstreamLimits, 'taskPoll' | 'taskPollLeast' | 'taskPollMost' | 'pages'>;
  readonly deadlines: Deadlines & Endurance;
  /** Finds another call for a question that was given to one that has ended. */
  misplaced(question: Question, link: Link): void;
}

/** Servers ask several things at once in separate messages; this long is waited for the next one. */
const GATHER_MS = 10;

type Event = Settled | GatewayError | 'asked' | 'gone' | 'first_byte' | 'idle' | 'total';

/** @returns the result, or the settlement when the link says that the session is lost */
export async function carry(call: Call, link: Link, x: Exchange, on: Carrying): Promise<McpResult | Settled> {
  // A subscription is quiet by nature and lasts as long as the client wants it.
  const lasts = x.request.method === 'subscriptions/listen';
  const clock = lasts ? RESTING : startClock(on.deadlines, () => call.heldUp);
  call.onActivity = clock.touch;
  const slow = Promise.withResolvers<GatewayError>();
  const client = new SlowClient(on, () => call.heldSince, slow.resolve);
  if (!lasts) call.onHeld = client.watch;
  // One that is taken up again may be held up already.
  if (call.heldSince !== undefined) call.onHeld?.();
  const gone = watchSignal(x.signal);
  const over = x.waits(phases.answer(on.upstream));
  try {
    for (;;) {
      const event: Event = await Promise.race([
        call.settled,
        call.asked.then(() => 'asked' as const),
        gone.promise,
        slow.promise,
        clock.expired,
      ]);
      if (event instanceof GatewayError) return tooSlow(call, link, x, event);
      if (typeof event !== 'string') {
        passedOn(event, call, link, on);
        return event;
      }
      if (event === 'gone') return cancelled(call, link, x);
      if (event !== 'asked') return late(call, link, x, on, event);
      const outcome = await ask(call, link, x, on);
      if (outcome) return outcome;
    }
  } finally {
    over();
    clock.stop();
    client.stop();
    gone.stop();
    call.onActivity = undefined;
    call.onHeld = undefined;
    if (call.ended)
      for (const question of call.takeQuestions()) if (question.uncertain) on.misplaced(question, link);
  }
}

function passedOn(settled: Settled, call: Call, link: Link, on: Carrying): void {
  const rest = settled.kind === 'result' ? settled.rest : undefined;
  const drop = (): void => link.cancel(call, 'its result is not taken');
  if (rest) watchRest(rest, { ...on, drop });
}

/** @returns undefined when everything asked has been taken back meanwhile */
async function ask(
  call: Call,
  link: Link,
  x: Exchange,
  on: Carrying,
): Promise<McpResult | Settled | undefined> {
  const { promise, resolve } = Promise.withResolvers<'gathered'>();
  const timer = setTimeout(resolve, GATHER_MS, 'gathered');
  const first = await Promise.race([promise, call.settled]);
  clearTimeout(timer);
  if (first !== 'gathered') return first;
  if (x.signal.aborted) return cancelled(call, link, x);
  if (call.questions.length > 0) return on.park.hold(x, link, call);
  call.takeQuestions();
  return undefined;
}

function cancelled(call: Call, link: Link, x: Exchange): McpResult {
  link.cancel(call, reasonOf(x.signal));
  return errorResult('CANCELLED', undefined, { requestId: x.id });
}

function tooSlow(call: Call, link: Link, x: Exchange, error: GatewayError): McpResult {
  link.cancel(call, 'its client does not read');
  return errorResult(error.code, error.message, { ...error.data, requestId: x.id });
}

function late(
  call: Call,
  link: Link,
  x: Exchange,
  on: Carrying,
  kind: 'first_byte' | 'idle' | 'total',
): McpResult {
  const { upstream, deadlines, host } = on;
  host.metrics.timeouts.inc({ kind, upstream });
  link.cancel(call, `timeout: ${kind}`);
  const ms = kind === 'first_byte' ? deadlines.firstByte : deadlines[kind];
  return errorResult(
    'UPSTREAM_TIMEOUT',
    `The upstream "${upstream}" took longer than timeouts.${kind} (${ms} ms).`,
    {
      upstream,
      timeout: kind,
      requestId: x.id,
    },
  );
}

function watchSignal(signal: AbortSignal) {
  const { promise, resolve } = Promise.withResolvers<'gone'>();
  const onAbort = (): void => resolve('gone');
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return { promise, stop: () => signal.removeEventListener('abort', onAbort) };
}

function reasonOf(signal: AbortSignal): string {
  const { reason } = signal as { reason: unknown };
  return reason instanceof Error ? reason.message : 'cancelled';
}

const RESTING: Clock = { expired: new Promise(() => {}), touch() {}, stop() {} };
