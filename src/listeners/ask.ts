// Initialize era: what an upstream needs to go on is asked of the client for real, and the call is made again
// with the answers. Every round is a new exchange, judged afresh by every plugin.

import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { type Refusal, refusalsFact } from '../core/refusals.ts';
import { notificationText } from '../protocol/jsonrpc.ts';
import type { McpResult } from '../protocol/message.ts';
import { RawJson, RawObject } from '../protocol/raw.ts';
import type { Answer, Asker } from './asker.ts';
import type { Handle } from './serve.ts';

/** A call that asks more often than this is not going to end. */
const ROUNDS = 32;
/** Wait before a retry that needs no answers, milliseconds (2026-07-28 patterns/mrtr allows it at once). */
const PACE_MS = 250;

export interface Asking {
  readonly asker: Asker;
  /** How long the client may take, milliseconds. */
  readonly timeout: number;
  /** Puts a message on the call's own stream; false when this client reads none. */
  send(text: string): boolean;
}

export async function askRounds(x: Exchange, first: McpResult, run: Handle, asking: Asking): Promise<McpResult> {
  let result = first;
  let current = x;
  for (let round = 0; result.kind === 'input_required'; round++) {
    if (round === ROUNDS) return refused(x, `The upstream asked more than ${ROUNDS} times.`);
    const answers = await collect(current, result, asking);
    if (answers === undefined) return refused(x, 'The client takes no questions during a call.');
    current = next(current, result, answers);
    result = await run(current);
  }
  return result;
}

function refused(x: Exchange, detail: string): McpResult {
  return errorResult('ANSWER_REFUSED', detail, { requestId: x.id });
}

type Answers = ReadonlyMap<string, { readonly method: string; readonly answer: Answer }>;

/** Asks everything at once. @returns undefined when the client cannot be asked */
async function collect(x: Exchange, result: McpResult, asking: Asking): Promise<Answers | undefined> {
  const inputs = result.raw.object('inputRequests');
  const keys = inputs?.keys() ?? [];
  if (keys.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    return new Map();
  }
  if (!asking.send('')) return undefined;
  const signal = AbortSignal.any([x.signal, AbortSignal.timeout(asking.timeout)]);
  const all = keys.map(async (key) => {
    const input = inputs?.object(key);
    const method = input?.string('method') ?? '';
    const answer = await one(method, input?.object('params'), signal, asking);
    return [key, { method, answer }] as const;
  });
  return new Map(await Promise.all(all));
}

async function one(
  method: string,
  params: RawObject | undefined,
  signal: AbortSignal,
  { asker, send }: Asking,
): Promise<Answer> {
  try {
    return await asker.ask(method, params, send, signal, (id) => {
      const cancelled = RawObject.of({ reason: 'no longer needed' }).with({ requestId: new RawJson(id.text) });
      send(notificationText('notifications/cancelled', cancelled));
    });
  } catch {
    return { error: RawObject.of({ code: -32603, message: 'The client did not answer in time.' }) };
  }
}

function next(x: Exchange, result: McpResult, answers: Answers): Exchange {
  let responses = RawObject.of({});
  const refusals = new Map<string, Refusal>();
  for (const [key, { method, answer }] of answers) {
    if ('result' in answer) responses = responses.with({ [key]: answer.result });
    else refusals.set(key, { method, error: answer.error });
  }
  const state = result.raw.raw('requestState');
  const request = x.request.with({
    inputResponses: responses,
    requestState: state === undefined ? undefined : new RawJson(state),
  });
  const again = x.again(request, x.route);
  if (refusals.size > 0) again.set(refusalsFact, refusals);
  return again;
}
