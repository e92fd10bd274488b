// A client of the initialize era may answer a question with an error; 2026-07-28 has no form for that.
// Elicitation becomes `cancel`; for the rest the call ends here.

import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { type Refusal, refusalsFact } from '../core/refusals.ts';
import { McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { JsonObject } from '../protocol/values.ts';

const CANCEL = RawObject.of({ action: 'cancel' });

/**
 * Puts what can be put into the request.
 * @returns a result when the call cannot go on
 */
export function withRefusals(x: Exchange): McpResult | undefined {
  const refusals = x.get(refusalsFact);
  if (!refusals || refusals.size === 0) return undefined;
  let responses = x.request.raw?.object('inputResponses') ?? RawObject.of({});
  for (const [key, refusal] of refusals) {
    if (refusal.method !== 'elicitation/create') return abandoned(x, refusal);
    responses = responses.with({ [key]: CANCEL });
  }
  x.replace(x.request.with({ inputResponses: responses }));
  return undefined;
}

function abandoned(x: Exchange, { method, error }: Refusal): McpResult {
  const why = error.string('message') ?? 'no reason given';
  return notAnswered(x, `The client did not answer ${method}: ${why}`);
}

/** The end of a call that its client keeps from going on: a tool says so in its result, where a model reads it. */
export function notAnswered(x: Exchange, text: string, data: JsonObject = {}): McpResult {
  if (x.request.method !== 'tools/call')
    return errorResult('ANSWER_REFUSED', text, { ...data, requestId: x.id });
  return McpResult.complete({ resultType: 'complete', content: [{ type: 'text', text }], isError: true });
}
