// Initialize era: what an upstream needs to go on is asked of the client for real, and the call is made again
// with the answers. Every round is a new exchange, judged afresh by every plugin.

import { type Answer, type Client, canAnswer } from '../core/client.ts';
import { errorResult } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Refusal } from '../core/refusals.ts';
import { pause } from '../lib/pause.ts';
import type { McpRequest, McpResult } from '../protocol/message.ts';
import { questionForSession } from '../protocol/questions.ts';
import { RawJson, RawObject } from '../protocol/raw.ts';
import type { Asker } from './asker.ts';
import type { Round, Run } from './serve.ts';

/** Wait before a retry that needs no answers, milliseconds (2026-07-28 patterns/mrtr allows it at once). */
const PACE_MS = 250;

export interface Asking {
  readonly asker: Asker;
  /** The call's id for logs and errors. */
  readonly id: string;
  /** Aborts when the call is cancelled, or its session ends. */
  readonly signal: AbortSignal;
  readonly client: Client;
  /** How long the client may take, milliseconds. */
  readonly timeout: number;
  /** How often one call may ask: one that does so more often is not going to end. */
  readonly rounds: number;
  readonly host: Host;
  /** Puts a message on the call's own stream; false when this client reads none. '' only asks whether it does. */
  send(text: string): boolean;
}

export async function askRounds(
  request: McpRequest,
  first: Round,
  run: Run,
  asking: Asking,
): Promise<McpResult> {
  const { id, signal } = asking;
  let round = first;
  for (let n = 0; round.result.kind === 'input_required'; n++) {
    if (n === asking.rounds) {
      asking.host.metrics.limitHits.inc({ limit: 'rounds' });
      return errorResult('ANSWER_REFUSED', `The upstream asked more than ${asking.rounds} times.`, {
        requestId: id,
      });
    }
    const answers = await collect(round, asking);
    if (signal.aborted) return errorResult('CANCELLED', undefined, { requestId: id });
    round = await run(answered(request, round.result, answers), refusalsOf(answers));
  }
  return round.result;
}

type Answers = ReadonlyMap<string, { readonly method: string; readonly answer: Answer }>;

/** Asks everything at once. A client that cannot be asked refuses; what is taken back has no answer. */
async function collect(round: Round, asking: Asking): Promise<Answers> {
  const inputs = round.result.raw.object('inputRequests');
  const keys = inputs?.keys() ?? [];
  if (keys.length === 0) {
    await pause(PACE_MS, asking.signal).catch(() => {});
    return new Map();
  }
  const patience = AbortSignal.any([asking.signal, AbortSignal.timeout(asking.timeout)]);
  const all = keys.map(async (key) => {
    const input = inputs?.object(key);
    const method = input?.string('method') ?? '';
    const withdrawn = round.withdrawals.of(key);
    const signal = AbortSignal.any([patience, withdrawn]);
    const answer = await one(method, input?.object('params'), signal, asking);
    return withdrawn.aborted ? undefined : ([key, { method, answer }] as const);
  });
  const stop = asking.send('') ? round.waiting() : () => {};
  try {
    return new Map((await Promise.all(all)).filter((each) => each !== undefined));
  } finally {
    stop();
  }
}

async function one(
  method: string,
  params: RawObject | undefined,
  signal: AbortSignal,
  { asker, client, send }: Asking,
): Promise<Answer> {
  if (!send('')) return unanswered(method, 'The client takes no questions during a call.');
  if (!canAnswer(client, method, params)) return unanswered(method, 'The client cannot be asked this.');
  const told = questionForSession(client, method, params, () => crypto.randomUUID());
  try {
    return await asker.ask(method, told, send, signal);
  } catch {
    return unanswered(method, 'The client did not answer in time.');
  }
}

/** What the upstream hears in the place of an answer. */
function unanswered(method: string, message: string): Answer {
  if (method === 'elicitation/create') return { result: RawObject.of({ action: 'cancel' }) };
  return { error: RawObject.of({ code: -32603, message }) };
}

/** The call with the answers, as 2026-07-28 patterns/mrtr has it. */
function answered(request: McpRequest, result: McpResult, answers: Answers): McpRequest {
  let responses = RawObject.of({});
  for (const [key, { answer }] of answers) {
    if ('result' in answer) responses = responses.with({ [key]: answer.result });
  }
  const state = result.raw.raw('requestState');
  return request.with({
    inputResponses: responses,
    requestState: state === undefined ? undefined : new RawJson(state),
  });
}

function refusalsOf(answers: Answers): ReadonlyMap<string, Refusal> {
  const refusals = new Map<string, Refusal>();
  for (const [key, { method, answer }] of answers) {
    if ('error' in answer) refusals.set(key, { method, error: answer.error });
  }
  return refusals;
}
