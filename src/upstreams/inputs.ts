// Questions of an initialize-era server as the input requests of a 2026-07-28 result (patterns/mrtr).

import type { Client } from '../core/client.ts';
import { McpResult, META, withMeta } from '../protocol/message.ts';
import { withinContext } from '../protocol/questions.ts';
import { RawObject } from '../protocol/raw.ts';
import type { Question } from './call.ts';

/** Questions by keys of ours: who answers, and what is asked for. The server gave them ids alone. */
export function namedInputs(questions: readonly Question[]): Map<string, Question> {
  const named = new Map<string, Question>();
  for (const question of questions) {
    const name = nameOf(question);
    let key = name;
    for (let n = 2; named.has(key); n++) key = `${name}_${n}`;
    named.set(key, question);
  }
  return named;
}

/** What of a client a question has to fit. */
type Told = Pick<Client, 'era' | 'version' | 'capabilities'>;

export function inputRequired(
  questions: ReadonlyMap<string, Question>,
  requestState: string,
  client: Client,
): McpResult {
  const inputs = [...questions].map(([key, question]) => [key, asInput(question, client)] as const);
  return new McpResult(
    'input_required',
    RawObject.of({ resultType: 'input_required' }).with({
      inputRequests: RawObject.of({}).with(Object.fromEntries(inputs)),
      requestState,
    }),
  );
}

function nameOf({ method, params }: Question): string {
  if (method === 'sampling/createMessage') return 'model_reply';
  if (method === 'roots/list') return 'client_roots';
  const [field, ...others] = params?.object('requestedSchema')?.object('properties')?.keys() ?? [];
  const one = field !== undefined && others.length === 0 && /^\w{1,64}$/.test(field);
  return `user_${one ? field : 'input'}`;
}

/**
 * 2026-07-28 has no elicitationId, an initialize-era client needs it; progress of an answer has no way back to
 * the server, so its token stays here.
 */
export function asInput({ method, params }: Question, client: Told): RawObject {
  const input = RawObject.of({ method });
  const told = withMeta(params, { [META.progressToken]: undefined });
  if (!told) return input;
  if (method === 'sampling/createMessage') return input.with({ params: withinContext(told, client) });
  return input.with({ params: client.era === '2026' ? told.with({ elicitationId: undefined }) : told });
}
