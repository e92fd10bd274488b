// One HTTP request at the door of an endpoint: what the era-specific halves of the listener work from.

import type { Client } from '../core/client.ts';
import { type ErrorName, errorResult, messageOf } from '../core/errors.ts';
import type { Inbound } from '../core/exchange.ts';
import { remembered } from '../lib/remembered.ts';
import type { Message } from '../protocol/jsonrpc.ts';
import type { McpResult } from '../protocol/message.ts';
import { answerText, statusOf } from './edge.ts';
import { createEventStream } from './event-stream.ts';
import type { KeepAlive } from './keep-alive.ts';
import type { Replays } from './replays.ts';
import { type Answer, type Events, Reply } from './reply.ts';
import type { Serving } from './serving.ts';
import type { Sessions } from './sessions.ts';

type RequestMessage = Extract<Message, { kind: 'request' }>;

export interface HttpCall {
  readonly request: Request;
  readonly inbound: Inbound;
  /** Its body has been read: plugins may look at it from here on. */
  readonly took: (body: string) => void;
  /** Request id: the caller's own or a new one; answered and sent upstream. */
  readonly id: string;
  /** On every answer, with what plugins have put there so far. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serving: Serving;
  readonly sessions: Sessions;
  readonly replays: Replays;
  readonly keepAlive: KeepAlive;
}

/** `work` answers the call through `reply`. Where nothing should fail and something does, the client is told. */
export function answeredBy(
  work: Promise<void>,
  reply: Answer,
  message: RequestMessage,
  client: Client,
  call: HttpCall,
): void {
  work.catch((error: unknown) => {
    call.serving.host.log.error('call failed', { requestId: call.id, error: messageOf(error) });
    const result = errorResult('INTERNAL', undefined, { requestId: call.id });
    reply.finish(answerText(message, result, client, call.serving.gateway), statusOf(result, client));
  });
}

/** Tells of a request that is refused at the door. @param said what is wrong, or what a plugin says of that */
export function tellRefused(call: HttpCall, code: ErrorName, said?: string | McpResult['why']): void {
  const { inbound, request, id, serving } = call;
  const { listener, endpoint: path, remote } = inbound;
  const why = typeof said === 'string' ? { reason: said } : { why: said };
  serving.refused({ code, ...why, requestId: id, listener, path, method: request.method, remote });
}

interface Accepted {
  readonly stream: boolean;
  readonly json: boolean;
}

const ANYTHING: Accepted = { stream: true, json: true };

export function accepts(headers: Headers): Accepted {
  const accept = headers.get('accept');
  return accept === null ? ANYTHING : acceptedBy(accept);
}

/** A client writes the same in every request. */
const acceptedBy = remembered((accept): Accepted => {
  const ranges = new Map(accept.toLowerCase().split(',').map(rangeOf));
  // The most specific range decides (RFC 9110 §12.5.1).
  const takes = (main: string, sub: string): boolean =>
    ranges.get(`${main}/${sub}`) ?? ranges.get(`${main}/*`) ?? ranges.get('*/*') ?? false;
  return { stream: takes('text', 'event-stream'), json: takes('application', 'json') };
});

/** A media range, and whether it is wanted: with `q=0` it is not. */
function rangeOf(text: string): [range: string, isWanted: boolean] {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim());
  return [range, !parameters.some((each) => /^q\s*=\s*0(\.0*)?$/.test(each))];
}

interface Replying {
  /** Called when the client goes away before the answer is complete. */
  gone?(): void;
  /** Makes a stream that outlives its connection, instead of one that does not. */
  open?(headers: HttpCall['headers']): Events;
}

export function replyTo(call: HttpCall, { gone, open }: Replying): Reply {
  const reply: Reply = new Reply({
    keepAlive: call.keepAlive,
    accepts: accepts(call.request.headers),
    headers: () => call.headers,
    open(more) {
      const headers = { ...call.headers, ...more };
      return open?.(headers) ?? passing(call, headers, () => left());
    },
  });
  call.inbound.answer?.lasts(reply.done);
  let over = false;
  const left = (): void => {
    if (over) return;
    over = true;
    reply.abandon();
    gone?.();
  };
  call.request.signal.addEventListener('abort', left, { once: true });
  void reply.done.then(() => {
    over = true;
    call.request.signal.removeEventListener('abort', left);
  });
  return reply;
}

/** A stream that ends with its connection. */
function passing(call: HttpCall, headers: HttpCall['headers'], gone: () => void): Events {
  const buffer = call.serving.limits().streamBuffer;
  const stream = createEventStream({ buffer, headers, gone });
  const { response, done, send, end, comment } = stream;
  return {
    response,
    done,
    note: (text) => send(text),
    send: (text) => send(text),
    finish(answer) {
      if (typeof answer === 'string') void send(answer);
      else void stream.long(answer);
      end();
    },
    end,
    comment,
    get open() {
      return stream.open;
    },
  };
}
