// What a link over Streamable HTTP sends, and how long the server may take for what is no request: notifications,
// answers to its questions, and the last it is told.

import { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { settledWithin } from '../lib/settled.ts';
import type { HttpAnswer, HttpClient } from './http-client.ts';
import { type HeadOptions, headOf, headWithoutBody } from './http-head.ts';
import type { Own } from './own.ts';
import { sendOut } from './senders.ts';
import type { UpstreamTimeouts } from './spec.ts';

export interface SenderParts {
  readonly name: string;
  readonly client: HttpClient;
  readonly head: HeadOptions;
  readonly timeouts: Pick<UpstreamTimeouts, 'message' | 'close'>;
  readonly host: Host;
  readonly own: Own;
}

export class HttpSender {
  readonly #p: SenderParts;
  /** Cancellations on their way. */
  readonly #telling = new Set<Promise<unknown>>();

  constructor(parts: SenderParts) {
    this.#p = parts;
  }

  /** @param last called before the bytes go out */
  async post(
    body: string,
    x: Exchange,
    signal: AbortSignal,
    extra: Readonly<Record<string, string>> = {},
    last?: () => void,
  ): Promise<HttpAnswer> {
    const { transport, url } = this.#p.head;
    const headers = { ...headOf(this.#p.head, x), ...extra };
    return sendOut(x, { transport, method: 'POST', url, headers, body }, (outbound) => {
      last?.();
      return this.#p.client.send(outbound, signal);
    });
  }

  /** A message that is no request: what answers it carries nothing. */
  message(body: string, x: Exchange): Promise<HttpAnswer> {
    return this.#within('message', (signal) => this.post(body, x, signal));
  }

  /** Something that is told and not waited for, before the session ends. */
  tell(message: Promise<unknown>): void {
    const told: Promise<unknown> = message.catch(() => {}).finally(() => this.#telling.delete(told));
    this.#telling.add(told);
  }

  /** @param sent called when the bytes are out */
  get(
    x: Exchange,
    lastEventId: string | undefined,
    signal: AbortSignal,
    sent?: () => void,
  ): Promise<HttpAnswer> {
    return this.#bare('GET', x, signal, { lastEventId, sent });
  }

  /** A request without a body. */
  #bare(
    method: 'GET' | 'DELETE',
    x: Exchange,
    signal: AbortSignal,
    { lastEventId, sent }: { lastEventId?: string | undefined; sent?: (() => void) | undefined } = {},
  ): Promise<HttpAnswer> {
    const { transport, url } = this.#p.head;
    const resume = lastEventId ? { 'last-event-id': lastEventId } : {};
    const headers = { ...headWithoutBody(this.#p.head, x), accept: 'text/event-stream', ...resume };
    return sendOut(x, { transport, method, url, headers, body: '' }, (outbound) =>
      this.#p.client.send(outbound, signal, sent),
    );
  }

  /** Ends the session, if there is one, as far as the server lets itself be told. Never rejects. */
  async end(): Promise<void> {
    const { head, own, timeouts } = this.#p;
    if (head.session === undefined) return;
    // A cancellation that comes after the end of its session is refused.
    await settledWithin(Promise.all(this.#telling), timeouts.close);
    await this.#within('close', (signal) =>
      this.#bare('DELETE', own('DELETE', undefined, signal), signal),
    ).then(
      (answer) => answer.discard(),
      () => {},
    );
  }

  async #within(
    kind: 'message' | 'close',
    send: (signal: AbortSignal) => Promise<HttpAnswer>,
  ): Promise<HttpAnswer> {
    const { name, host, timeouts } = this.#p;
    const signal = AbortSignal.timeout(timeouts[kind]);
    try {
      return await send(signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      host.metrics.timeouts.inc({ kind, upstream: name });
      const detail = `The upstream "${name}" did not take a message within timeouts.${kind} (${timeouts[kind]} ms).`;
      throw new GatewayError('UPSTREAM_TIMEOUT', detail, { upstream: name });
    }
  }
}
