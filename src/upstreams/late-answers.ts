// Which call an answer can be for of which no id has come yet, on a channel that calls share: the official TypeScript
// SDK writes the id last. Requests that were given up may be answered all the same, long after: what is passed on before
// its id has come must then be nobody else's. Ids only; what is said to whom is not known here.

import type { Client } from '../core/client.ts';
import type { Call } from './call.ts';

/**
 * Most requests remembered that were given up, and most callers of which that is forgotten again: a server need not
 * answer them. Fixed: beyond that every answer is in doubt, and what is in doubt is held until its id has come.
 */
const MOST = 100;

interface Due {
  readonly client: Client;
  readonly at: number;
}

export interface LateAnswersParts {
  readonly now: () => number;
  /** How long the server may take to obey a cancellation, milliseconds. */
  readonly cancel: number;
  /** Whether what is one's may be shown to the other. */
  readonly isSame: (one: Client, other: Client) => boolean;
}

export class LateAnswers {
  readonly #parts: LateAnswersParts;
  /** By id: who was to have it, and since when nobody waits for it. */
  readonly #due = new Map<string, Due>();
  /** Of callers whose requests were too many, since when nobody waits for the last of those. */
  readonly #forgotten: Due[] = [];

  constructor(parts: LateAnswersParts) {
    this.#parts = parts;
  }

  /** Nobody waits any more for the answer to a request. */
  expect({ id, x }: Call): void {
    this.#due.set(String(id), { client: x.caller, at: this.#parts.now() });
    const [oldest] = this.#due;
    if (!oldest || this.#due.size <= MOST) return;
    const [key, due] = oldest;
    this.#due.delete(key);
    const same = this.#forgotten.findIndex(({ client }) => this.#parts.isSame(client, due.client));
    if (same >= 0) this.#forgotten[same] = due;
    else if (this.#forgotten.length <= MOST) this.#forgotten.push(due);
  }

  /** Something came for this id. */
  came(id: string): void {
    this.#due.delete(id);
  }

  /**
   * The call that an answer without an id can be for. A server that has had its time to obey will hardly answer after
   * all; for what is another's that is not enough.
   * @param calls at work
   */
  only(calls: Iterable<Call>): Call | undefined {
    const [only, ...others] = calls;
    if (!only || others.length > 0 || this.#forgotten.length > MOST) return undefined;
    const { now, cancel, isSame } = this.#parts;
    const mayPass = ({ client, at }: Due): boolean => now() - at > cancel && isSame(client, only.x.caller);
    return [...this.#due.values(), ...this.#forgotten].every(mayPass) ? only : undefined;
  }
}
