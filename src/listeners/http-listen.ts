// A 2026-07-28 subscription over HTTP: a stream that begins with its acknowledgement, is kept alive, lives
// across reloads, and ends when the client closes it or the gateway stops.

import type { Client } from '../core/client.ts';
import { GatewayError } from '../core/errors.ts';
import { type Message, type RawId, notificationText } from '../protocol/jsonrpc.ts';
import { META, McpNotification, McpResult, withMeta } from '../protocol/message.ts';
import { RawJson, RawObject } from '../protocol/raw.ts';
import { answerText, refusalResponse, requestOf, statusOf } from './edge.ts';
import { type HttpCall, replyTo } from './http-request.ts';
import { serve } from './serve.ts';
import { ACKNOWLEDGED, Subscription } from './subscription.ts';
import { enterStream } from './streams.ts';

type Request = Extract<Message, { kind: 'request' }>;

/** An event as this subscription's client expects it: tagged with the id of its listen request. */
export function tagged(note: McpNotification, id: RawId): string {
  return notificationText(note.method, withMeta(note.raw, { [META.subscriptionId]: new RawJson(id.text) }));
}

export async function listenStateless(message: Request, client: Client, call: HttpCall): Promise<Response> {
  const leave = enterStream(call.serving);
  if (!leave) return refusalResponse('BUSY', undefined, message.id, call.headers);
  const ended = new AbortController();
  const reply = replyTo(call, () => ended.abort(new GatewayError('CANCELLED')));
  const finish = (result: McpResult): void => {
    const told = result.kind === 'complete' ? new McpResult('complete', tag(result.raw, message.id)) : result;
    reply.finish(answerText(message.id, message.method, told, client), statusOf(result, client), result.headers);
  };
  let first = true;
  const subscription = new Subscription({
    async run(signal, emit) {
      const both = AbortSignal.any([signal, ended.signal]);
      const request = requestOf(message.method, message.params, undefined);
      const endpoint = call.serving.endpoint(call.inbound.endpoint) ?? call.endpoint;
      const served = await serve({ id: call.id, client, inbound: call.inbound, request, signal: both, emit }, endpoint, call.serving);
      served.close();
      return served.result;
    },
    acknowledged(notifications) {
      if (!first) return;
      first = false;
      reply.send(tagged(new McpNotification(ACKNOWLEDGED, RawObject.of({}).with({ notifications })), message.id));
    },
    event(note) {
      const sent = reply.send(tagged(note, message.id));
      return sent === false ? undefined : sent;
    },
    ended: finish,
    log: call.serving.host.log,
  });
  const forget = call.serving.onSwap((changedFor) => subscription.renew(changedFor(client, call.inbound.endpoint)));
  const stopping = call.serving.onStop(() => finish(McpResult.complete({})));
  subscription.renew();
  void reply.done.then(() => {
    forget();
    stopping();
    subscription.stop();
    leave();
  });
  return reply.response;
}

function tag(raw: RawObject, id: RawId): RawObject {
  return withMeta(raw, { [META.subscriptionId]: new RawJson(id.text) }) ?? raw;
}
