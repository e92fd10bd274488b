// One HTTP request at the door of an endpoint: what the era-specific halves of the listener work from.

import type { Client } from '../core/client.ts';
import { errorResult, messageOf } from '../core/errors.ts';
import type { Inbound } from '../core/exchange.ts';
import type { Message } from '../protocol/jsonrpc.ts';
import { answerText, statusOf } from './edge.ts';
import type { KeepAlive } from './keep-alive.ts';
import { Reply } from './reply.ts';
import type { Serving } from './serving.ts';
import type { Sessions } from './sessions.ts';

type RequestMessage = Extract<Message, { kind: 'request' }>;

export interface HttpCall {
  readonly request: Request;
  readonly inbound: Inbound;
  /** Request id: the caller's own or a new one; answered and sent upstream. */
  readonly id: string;
  /** On every answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serving: Serving;
  readonly sessions: Sessions;
  readonly keepAlive: KeepAlive;
}

/** The call that `work` answers through `reply`. Where nothing should fail and something does, the client is told. */
export function answeredBy(
  work: Promise<void>,
  reply: Reply,
  message: RequestMessage,
  client: Client,
  call: HttpCall,
) {
  work.catch((error: unknown) => {
    call.serving.host.log.error('call failed', { requestId: call.id, error: messageOf(error) });
    const result = errorResult('INTERNAL', undefined, { requestId: call.id });
    reply.finish(answerText(message.id, message.method, result, client), statusOf(result, client));
  });
  return reply.response;
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
