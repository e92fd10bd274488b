// Initialize-era servers ask their client in the middle of a call. Here the call is parked: it stays open at
// the upstream while the exchange ends as `input_required`; the retry with the answers takes it up again.
// The requestState is sealed, bound to caller and call, and good for one use.

import { asksOf, type Client, canBeAsked } from '../core/client.ts';
import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { refusalsFact } from '../core/refusals.ts';
import { digest } from '../lib/digest.ts';
import type { Seal } from '../lib/seal.ts';
import { McpResult, META, withMeta } from '../protocol/message.ts';
import { methodRow } from '../protocol/methods.ts';
import { RawObject } from '../protocol/raw.ts';
import type { Call, Question } from './call.ts';
import type { Link, Reply } from './link.ts';

interface Parked {
  readonly call: Call;
  readonly link: Link;
  readonly questions: ReadonlyMap<string, Question>;
  readonly principal: string;
  readonly digest: string;
  readonly until: Timer;
  readonly stop: () => void;
}

export interface ParkLimits {
  readonly parked: number;
  readonly parkTtl: number;
}

const KIND = 'park';

export class Park {
  readonly #parked = new Map<string, Parked>();

  constructor(
    readonly seal: Seal,
    readonly limits: ParkLimits,
    readonly host: Host,
  ) {}

  get size(): number {
    return this.#parked.size;
  }

  /** Ends the exchange with the call's questions; the call goes on waiting at the upstream. */
  hold(x: Exchange, link: Link, call: Call): McpResult {
    const asked = call.takeQuestions();
    if (this.#parked.size >= this.limits.parked) {
      this.host.metrics.limitHits.inc({ limit: 'parked' });
      link.cancel(call, 'too many calls wait for answers');
      return errorResult('BUSY', 'Too many calls wait for answers of their clients (limits.parked).');
    }
    const id = crypto.randomUUID();
    const questions = new Map(asked.map((question, i) => [`q${i + 1}`, question]));
    const giveUp = (): void => this.#abandon(id, 'the caller went away');
    const entry: Parked = {
      call,
      link,
      questions,
      principal: x.principal.id,
      digest: callDigest(x),
      until: setTimeout(() => this.#abandon(id, 'nobody answered in time'), this.limits.parkTtl),
      stop: () => x.signal.removeEventListener('abort', giveUp),
    };
    call.detach();
    this.#parked.set(id, entry);
    this.host.metrics.parked.inc();
    x.signal.addEventListener('abort', giveUp, { once: true });
    const sessionless = x.client.session === undefined;
    const inputRequests = Object.fromEntries(
      [...questions].map(([key, q]) => [key, asInput(q, sessionless)]),
    );
    return new McpResult(
      'input_required',
      RawObject.of({ resultType: 'input_required' }).with({
        inputRequests: RawObject.of({}).with(inputRequests),
        requestState: this.seal.seal(KIND, id),
      }),
    );
  }

  /** Whether this request takes up a parked call: its state was sealed here. Others are the upstream's affair. */
  isOurs(x: Exchange): boolean {
    return this.#idOf(x) !== undefined;
  }

  #idOf(x: Exchange): string | undefined {
    const state = x.request.raw?.string('requestState');
    return state === undefined ? undefined : this.seal.open(KIND, state);
  }

  /** The parked call that the request continues, taken out so that it continues once. Undefined: not this caller's. */
  take(x: Exchange): { call: Call; link: Link; answer: () => Promise<void> } | undefined {
    const id = this.#idOf(x);
    const entry = id === undefined ? undefined : this.#parked.get(id);
    if (id === undefined || entry === undefined) return undefined;
    if (entry.principal !== x.principal.id || entry.digest !== callDigest(x)) return undefined;
    this.#remove(id, entry);
    const responses = x.request.raw?.object('inputResponses');
    const refusals = x.get(refusalsFact);
    return {
      call: entry.call,
      link: entry.link,
      answer: async () => {
        for (const [key, question] of entry.questions) {
          const result = responses?.object(key);
          const refusal = refusals?.get(key);
          if (result) await entry.link.answer(question, { result }, entry.call);
          else if (refusal) await entry.link.answer(question, { error: refusal.error }, entry.call);
          // Not answered this round: it is asked again (2026-07-28 patterns/mrtr).
          else entry.call.ask(question);
        }
      },
    };
  }

  /** The link is gone or closing: nothing parked on it can go on. */
  dropLink(link: Link): void {
    for (const [id, entry] of this.#parked)
      if (entry.link === link) this.#abandon(id, 'the connection closed');
  }

  close(): void {
    for (const id of [...this.#parked.keys()]) this.#abandon(id, 'the gateway stops');
  }

  #abandon(id: string, reason: string): void {
    const entry = this.#parked.get(id);
    if (!entry) return;
    this.#remove(id, entry);
    for (const question of entry.questions.values()) {
      void entry.link.answer(question, declined(question)).catch(() => {});
    }
    entry.link.cancel(entry.call, reason);
  }

  #remove(id: string, entry: Parked): void {
    this.#parked.delete(id);
    this.host.metrics.parked.dec();
    clearTimeout(entry.until);
    entry.stop();
  }
}

/** Whether a call of this method can be interrupted by questions at all. */
export function mayAsk(callMethod: string): boolean {
  return methodRow(callMethod)?.asks === true;
}

/** Whether this call's client can be asked this. */
export function canAsk(client: Client, callMethod: string, question: Question): boolean {
  if (!mayAsk(callMethod) || !canBeAsked(client.capabilities)) return false;
  const asks = asksOf(client.capabilities);
  switch (question.method) {
    case 'elicitation/create':
      return question.params?.string('mode') === 'url' ? asks.url : asks.form;
    case 'sampling/createMessage':
      return asks.sampling;
    case 'roots/list':
      return asks.roots;
    default:
      return false;
  }
}

/** The answer to a question that nobody can be asked. */
export function declined(question: Question): Reply {
  if (question.method === 'elicitation/create') return { result: RawObject.of({ action: 'cancel' }) };
  return { error: RawObject.of({ code: -32601, message: 'The client cannot be asked this now.' }) };
}

/**
 * A question as an input request. 2026-07-28 has no elicitationId, an initialize-era client needs it; progress of
 * an answer has no way back to the server, so its token stays here.
 */
function asInput({ method, params }: Question, sessionless: boolean): RawObject {
  const input = RawObject.of({ method });
  const told = withMeta(params, { [META.progressToken]: undefined });
  if (!told) return input;
  return input.with({ params: sessionless ? told.with({ elicitationId: undefined }) : told });
}

/** What must not change between the rounds of a call (2026-07-28 patterns/mrtr §requestState). */
function callDigest(x: Exchange): string {
  const { method, raw } = x.request;
  const rest = raw?.with({ requestState: undefined, inputResponses: undefined, _meta: undefined });
  return digest(`${method}\n${rest?.text ?? ''}`);
}
