// A server of 2025-11-25 may refuse a call until its user has been at a URL (error -32042). Since 2026-07-28 that is a
// question: the client is asked, and the call, which was not executed, is made again when it has agreed.

import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import type { Seal } from '../lib/seal.ts';
import { rawItems } from '../protocol/items.ts';
import type { McpResult } from '../protocol/message.ts';
import type { Question } from './call.ts';
import { inputRequired, namedInputs } from './inputs.ts';
import { notAnswered } from './refused.ts';
import { undeclared } from './undeclared.ts';
import { type ParkLimits, Waiting } from './waiting.ts';

interface Asked {
  readonly questions: readonly Question[];
  /** The generation to come back to. */
  readonly leave: () => void;
}

const URL_REQUIRED = -32042;
const METHOD = 'elicitation/create';

export class UrlRequired {
  readonly #waiting: Waiting<Asked>;

  constructor(seal: Seal, limits: ParkLimits, host: Host) {
    this.#waiting = new Waiting(seal, limits, host, ({ leave }) => leave());
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** What a client of 2026-07-28 gets in place of such an error; anything else as it is. */
  asked(x: Exchange, result: McpResult): McpResult {
    if (result.code !== URL_REQUIRED || x.client.era !== '2026') return result;
    const questions = questionsOf(result);
    const data = { requestId: x.id };
    if (questions.length === 0)
      return errorResult('UPSTREAM_INVALID', 'The upstream wants its user at a URL and names none.', data);
    return undeclared(x, questions) ?? this.#ask(x, questions);
  }

  /**
   * Whether the call is to be made again, for it comes back with what it was asked.
   * @returns a result when it is not; undefined when it never waited here
   */
  comesBack(x: Exchange): 'again' | McpResult | undefined {
    const asked = this.#waiting.take(x);
    if (!asked) return undefined;
    asked.leave();
    const responses = x.request.raw?.object('inputResponses');
    const actions = [...namedInputs(asked.questions).keys()].map((key) =>
      responses?.object(key)?.string('action'),
    );
    if (actions.some((action) => action !== undefined && action !== 'accept'))
      return notAnswered(x, 'The client did not go to the URL that the upstream asks for.');
    if (actions.includes(undefined)) return this.#ask(x, asked.questions);
    x.replace(x.request.with({ requestState: undefined, inputResponses: undefined }));
    return 'again';
  }

  stopping(): void {
    this.#waiting.stopping();
  }

  close(): void {
    this.#waiting.abandon('the gateway stops');
  }

  #ask(x: Exchange, questions: readonly Question[]): McpResult {
    const refusal = this.#waiting.refusal(x);
    if (refusal !== undefined) return errorResult(refusal, undefined, { requestId: x.id });
    const state = this.#waiting.hold(x, { questions, leave: x.runsOn.hold() });
    return inputRequired(namedInputs(questions), state, x.client);
  }
}

function questionsOf(result: McpResult): Question[] {
  const text = result.raw.object('data')?.raw('elicitations');
  return rawItems(text?.startsWith('[') ? text : '[]')
    .filter((each) => each.string('url') !== undefined)
    .map((each, at) => ({
      id: { text: String(at), key: `n:${at}` },
      method: METHOD,
      params: each.with({ mode: 'url' }),
    }));
}
