// One HTTP request at the door of an endpoint: what the era-specific halves of the listener work from.

import type { Inbound } from '../core/exchange.ts';
import type { KeepAlive } from './keep-alive.ts';
import { Reply } from './reply.ts';
import type { Endpoint, Serving } from './serving.ts';
import type { Sessions } from './sessions.ts';

export interface HttpCall {
  readonly request: Request;
  readonly endpoint: Endpoint;
  readonly inbound: Inbound;
  /** Request id: the caller's own or a new one; answered and sent upstream. */
  readonly id: string;
  /** On every answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serving: Serving;
  readonly sessions: Sessions;
  readonly keepAlive: KeepAlive;
}

export function accepts(headers: Headers): { stream: boolean; json: boolean } {
  const accept = headers.get('accept')?.toLowerCase();
  if (accept === undefined) return { stream: true, json: true };
  const anything = accept.includes('*/*');
  return {
    stream: anything || accept.includes('text/event-stream') || accept.includes('text/*'),
    json: anything || accept.includes('application/json') || accept.includes('application/*'),
  };
}

/** @param gone called when the client goes away before the answer is complete */
export function replyTo(call: HttpCall, gone: () => void, extra: Record<string, string> = {}): Reply {
  const reply: Reply = new Reply({
    keepAlive: call.keepAlive,
    buffer: call.serving.limits().streamBuffer,
    accepts: accepts(call.request.headers),
    headers: { ...call.headers, ...extra },
    gone: () => left(),
  });
  let over = false;
  const left = (): void => {
    if (over) return;
    over = true;
    reply.abandon();
    gone();
  };
  call.request.signal.addEventListener('abort', left, { once: true });
  void reply.done.then(() => {
    over = true;
    call.request.signal.removeEventListener('abort', left);
  });
  return reply;
}
