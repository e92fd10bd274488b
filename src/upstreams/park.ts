// Initialize-era servers ask their client in the middle of a call. Here the call is parked: it stays open at
// the upstream while the exchange ends as `input_required`; the retry with the answers takes it up again.

import { type Client, canAnswer } from '../core/client.ts';
import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { refusalsFact } from '../core/refusals.ts';
import { type Withdrawals, withdrawalsFact } from '../core/withdrawals.ts';
import type { Seal } from '../lib/seal.ts';
import type { McpResult } from '../protocol/message.ts';
import { methodRow } from '../protocol/methods.ts';
import { RawObject } from '../protocol/raw.ts';
import type { Call, Question } from './call.ts';
import { inputRequired, namedInputs } from './inputs.ts';
import type { Link, Reply } from './link.ts';
import { type ParkLimits, Waiting } from './waiting.ts';

interface Parked {
  readonly call: Call;
  readonly link: Link;
  /** What it waits for, by the keys the client was given. */
  readonly questions: Map<string, Question>;
  readonly withdrawals: Withdrawals | undefined;
}

export interface Resumed {
  readonly call: Call;
  readonly link: Link;
  answer(): Promise<void>;
}

export class Park {
  readonly #waiting: Waiting<Parked>;
  /** A call once parked keeps its generation to its end: the link is that generation's. */
  readonly #holds = new Map<Call, () => void>();

  constructor(
    seal: Seal,
    limits: ParkLimits,
    readonly host: Host,
    /** Finds another call for a question whose own may not have been the one that was given up. */
    readonly misplaced: (question: Question, link: Link) => void,
  ) {
    this.#waiting = new Waiting(seal, limits, host, (parked, reason) => this.#giveUp(parked, reason));
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Ends the exchange with the call's questions; the call goes on waiting at the upstream. */
  hold(x: Exchange, link: Link, call: Call): McpResult {
    const asked = call.takeQuestions();
    const refusal = this.#waiting.refusal(x);
    if (refusal !== undefined) {
      link.cancel(call, REFUSALS[refusal].reason);
      return errorResult(refusal, REFUSALS[refusal].detail, { requestId: x.id });
    }
    const questions = namedInputs(asked);
    const withdrawals = x.get(withdrawalsFact);
    if (!this.#holds.has(call)) this.#holds.set(call, x.runsOn.hold());
    call.detach();
    // Settled meanwhile: nobody needs the answers, and the end waits for the retry.
    if (withdrawals)
      void call.over.then(() => {
        for (const [key, { uncertain }] of questions) if (!uncertain) withdrawals.withdraw(key);
      });
    const state = this.#waiting.hold(x, { call, link, questions, withdrawals });
    return inputRequired(questions, state, x.client);
  }

  /** Whether this request takes up a parked call: its state was sealed here. */
  isOurs(x: Exchange): boolean {
    return this.#waiting.isOurs(x);
  }

  /** The parked call that the request continues, taken out so that it continues once. */
  take(x: Exchange): Resumed | undefined {
    const parked = this.#waiting.take(x);
    return parked && { call: parked.call, link: parked.link, answer: () => answer(parked, x) };
  }

  /** For whoever carried a call that was parked before: unless it is parked again, it is over. */
  carried(call: Call): void {
    if (call.parked) return;
    this.#holds.get(call)?.();
    this.#holds.delete(call);
  }

  /** The server takes a question back. @returns whether a parked call waited for the answer */
  withdrawn(link: Link, questionKey: string): boolean {
    for (const parked of this.#waiting.all()) {
      if (parked.link !== link) continue;
      for (const [key, { id }] of parked.questions) {
        if (id.key !== questionKey) continue;
        parked.questions.delete(key);
        parked.withdrawals?.withdraw(key);
        return true;
      }
    }
    return false;
  }

  /** The link is gone or closing: nothing parked on it can go on but to an end that has come already. */
  dropLink(link: Link): void {
    // Beyond the link there is nobody to be told.
    for (const { link: own, call } of this.#waiting.all()) if (own === link) call.givenUp = undefined;
    this.#waiting.abandon(
      'the connection closed',
      (parked) => parked.link === link && !parked.call.hasAnswer,
    );
  }

  /** No new request will be let in: calls of clients without a session are not taken up again. */
  stopping(): void {
    this.#waiting.stopping();
  }

  close(): void {
    this.#waiting.abandon('the gateway stops');
  }

  #giveUp({ call, link, questions }: Parked, reason: string): void {
    const all = [...wanted(call, questions).values()];
    // Its caller wants the call no more; of what may be another call's that says nothing.
    const others = call.x.signal.aborted ? all.filter(({ uncertain }) => uncertain) : [];
    for (const question of all)
      if (!others.includes(question)) void link.answer(question, declined(question), call).catch(() => {});
    link.cancel(call, reason);
    for (const question of others) this.misplaced(question, link);
    call.givenUp?.();
    this.#holds.get(call)?.();
    this.#holds.delete(call);
  }
}

const REFUSALS = {
  BUSY: {
    reason: 'too many calls wait for answers',
    detail: 'Too many calls wait for answers of their clients (limits.parked).',
  },
  STOPPING: { reason: 'the gateway stops', detail: undefined },
} as const;

/** The questions that something at the upstream still waits for. */
function wanted(call: Call, questions: ReadonlyMap<string, Question>): Map<string, Question> {
  return new Map([...questions].filter(([, { uncertain }]) => !call.ended || uncertain));
}

async function answer({ call, link, questions }: Parked, x: Exchange): Promise<void> {
  const responses = x.request.raw?.object('inputResponses');
  const refusals = x.get(refusalsFact);
  for (const [key, question] of wanted(call, questions)) {
    const result = responses?.object(key);
    const refusal = refusals?.get(key);
    if (result) await link.answer(question, { result }, call);
    else if (refusal) await link.answer(question, { error: refusal.error }, call);
    else if (call.ended) await link.answer(question, declined(question), call);
    // Not answered this round: it is asked again (2026-07-28 patterns/mrtr).
    else call.ask(question);
  }
}

/** Whether a call of this method can be interrupted by questions at all. */
export function mayAsk(callMethod: string): boolean {
  return methodRow(callMethod)?.asks === true;
}

/** Whether this call's client can be asked this. */
export function canAsk(client: Client, callMethod: string, { method, params }: Question): boolean {
  return mayAsk(callMethod) && canAnswer(client, method, params);
}

/** The answer to a question that nobody can be asked. */
export function declined(question: Question): Reply {
  if (question.method === 'elicitation/create') return { result: RawObject.of({ action: 'cancel' }) };
  return { error: RawObject.of({ code: -32601, message: 'The client cannot be asked this now.' }) };
}
