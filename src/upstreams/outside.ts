// Questions of an initialize-era server outside of calls, such as for roots right after it was greeted. On a link
// that is one session's alone they are that client's to answer, where it listens. Nobody else can be asked.

import { type Client, type ClientSession, canAnswer } from '../core/client.ts';
import type { Host } from '../core/host.ts';
import type { Question } from './call.ts';
import { asInput } from './inputs.ts';
import type { Link } from './link.ts';
import { declined } from './park.ts';
import type { ParkLimits } from './waiting.ts';

/** Whose link it is. */
export type Owner = Pick<Client, 'era' | 'version' | 'capabilities'> & { readonly session: ClientSession };

export class Outside {
  readonly #open = new Map<Link, Map<string, AbortController>>();

  /** @param patience how long a client may take to begin to listen, milliseconds */
  constructor(
    readonly limits: ParkLimits,
    readonly patience: number,
    readonly host: Host,
  ) {}

  get size(): number {
    let size = 0;
    for (const questions of this.#open.values()) size += questions.size;
    return size;
  }

  /** Asks the client and answers the server. @returns false when the client cannot be asked now */
  ask(question: Question, link: Link, owner: Owner): boolean {
    const { session } = owner;
    if (!session.ask || !canAnswer(owner, question.method, question.params)) return false;
    if (this.size >= this.limits.parked) {
      this.host.metrics.limitHits.inc({ limit: 'parked' });
      return false;
    }
    void this.#asked(question, link, owner).catch(() => {});
    return true;
  }

  /** The server takes a question back. @returns whether it was one of these */
  withdrawn(link: Link, questionKey: string): boolean {
    const abort = this.#open.get(link)?.get(questionKey);
    abort?.abort(new Error('the server needs no answer any more'));
    return abort !== undefined;
  }

  /** The link is gone. */
  drop(link: Link): void {
    for (const abort of this.#open.get(link)?.values() ?? []) abort.abort(new Error('the server is gone'));
  }

  async #asked(question: Question, link: Link, owner: Owner): Promise<void> {
    const abort = new AbortController();
    const questions = this.#open.get(link) ?? new Map<string, AbortController>();
    this.#open.set(link, questions.set(question.id.key, abort));
    let late = setTimeout(() => abort.abort(LATE), this.patience);
    try {
      await owner.session.listening?.(abort.signal);
      clearTimeout(late);
      late = setTimeout(() => abort.abort(LATE), this.limits.parkTtl);
      const params = asInput(question, owner).object('params');
      const reply = await owner.session.ask?.(question.method, params, abort.signal);
      if (reply) await link.answer(question, reply);
    } catch (error) {
      // Withdrawn, or nobody there: then there is no one to tell either.
      if (!abort.signal.aborted || abort.signal.reason === LATE)
        await link.answer(question, declined(question));
      else throw error;
    } finally {
      clearTimeout(late);
      questions.delete(question.id.key);
      if (questions.size === 0) this.#open.delete(link);
    }
  }
}

const LATE = new Error('nobody answered in time');
