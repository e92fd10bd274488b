// Requests of ours to an initialize-era client, and the posted answers to them. One per session.

import type { Answer } from '../core/client.ts';
import { notificationText, type RawId, rawId, requestText } from '../protocol/jsonrpc.ts';
import { RawJson, RawObject } from '../protocol/raw.ts';

interface Open {
  readonly resolve: (answer: Answer) => void;
}

export class Asker {
  readonly #open = new Map<string, Open>();
  #next = 1;

  get size(): number {
    return this.#open.size;
  }

  /**
   * Asks, and waits for the answer.
   * @param send puts the request on a stream that the client reads; false when there is none any more
   * @throws the signal's reason when it aborts first; the client has then been told that the question is off
   * @throws Error when it cannot be sent
   */
  async ask(
    method: string,
    params: RawObject | undefined,
    send: (text: string) => boolean,
    signal: AbortSignal,
  ): Promise<Answer> {
    signal.throwIfAborted();
    const id = rawId(this.#next++);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const stop = (): void => {
      const cancelled = RawObject.of({ reason: 'no longer needed' }).with({
        requestId: new RawJson(id.text),
      });
      send(notificationText('notifications/cancelled', cancelled));
      reject(signal.reason);
    };
    this.#open.set(id.key, { resolve });
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (!send(requestText(id.text, method, params))) throw new Error('nobody reads the question');
      return await promise;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#open.delete(id.key);
    }
  }

  /** Takes a posted response. @returns false when nobody waits for it: late, unknown or answered already */
  answered(id: RawId, answer: Answer): boolean {
    const open = this.#open.get(id.key);
    open?.resolve(answer);
    return open !== undefined;
  }
}
