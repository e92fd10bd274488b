// A 2026-07-28 subscription over HTTP: a stream that begins with its acknowledgement, is kept alive, lives
// across reloads, and ends when the client closes it, its endpoint goes, or the gateway stops.

import type { Client, Principal } from '../core/client.ts';
import { GatewayError } from '../core/errors.ts';
import { type Message, notificationText, type RawId } from '../protocol/jsonrpc.ts';
import { McpNotification, McpResult, META, withMeta } from '../protocol/message.ts';
import { RawJson, RawObject } from '../protocol/raw.ts';
import { answerText, refusalResponse, requestOf, statusOf } from './edge.ts';
import { type HttpCall, replyTo, tellRefused } from './http-request.ts';
import { Latest } from './latest.ts';
import { serve } from './serve.ts';
import type { Endpoint } from './serving.ts';
import { enterStream } from './streams.ts';
import { ACKNOWLEDGED, Subscription } from './subscription.ts';
import { filterRefusal, subscriptionsFull, wantedBy, watchedBy } from './wanted.ts';
import { whileProven } from './while-proven.ts';

type Request = Extract<Message, { kind: 'request' }>;

/** An event as this subscription's client expects it: tagged with the id of its listen request. */
export function tagged(note: McpNotification, id: RawId): string {
  return notificationText(note.method, withMeta(note.raw, { [META.subscriptionId]: new RawJson(id.text) }));
}

export async function listenStateless(message: Request, client: Client, call: HttpCall): Promise<Response> {
  const { serving, inbound } = call;
  const refusal = filterRefusal(message.params);
  if (refusal) {
    tellRefused(call, 'PARAMS_INVALID');
    return answerNow(message, refusal, client, call);
  }
  const filter = message.params?.object('notifications');
  const watched = watchedBy(filter);
  if (watched > serving.limits().subscriptions) {
    tellRefused(call, 'SUBSCRIPTIONS_FULL');
    const result = subscriptionsFull(serving.host);
    return answerNow(message, result, client, call);
  }
  const leave = enterStream(serving);
  if (!leave) {
    tellRefused(call, 'BUSY');
    return refusalResponse('BUSY', undefined, message.id, call.headers);
  }
  const ended = new AbortController();
  const reply = replyTo(call, { gone: () => ended.abort(new GatewayError('CANCELLED')) });
  const finish = (result: McpResult): void => {
    const told = result.kind === 'complete' ? new McpResult('complete', tag(result.raw, message.id)) : result;
    reply.finish(
      answerText(message, told, client, serving.gateway),
      statusOf(result, client),
      result.headers,
    );
  };
  let disarm = (): void => {};
  let caller = client;
  const begun = (principal: Principal, on: Endpoint): void => {
    caller = { ...client, principal };
    disarm();
    const { now } = serving.host;
    disarm = whileProven(
      () => principal,
      now,
      () => {
        const { expires = Number.POSITIVE_INFINITY } = principal;
        // What a reload takes back it has judged anew: the run that begins then says whether it goes on.
        if (now() < expires && serving.endpoint(inbound.endpoint) !== on) return;
        // As at a stop: its client listens anew, and shows then who it is.
        finish(McpResult.complete({}));
      },
    );
  };
  const wanted = wantedBy(filter);
  const events = new Latest(
    serving.host.metrics,
    () => serving.limits().events + watched,
    () => serving.limits().streamBuffer,
  );
  const subscription = new Subscription({
    async run(signal, emit) {
      const endpoint = serving.endpoint(inbound.endpoint);
      if (!endpoint) return McpResult.complete({});
      const both = AbortSignal.any([signal, ended.signal]);
      const request = requestOf(message.method, message.params, undefined);
      const own = { id: call.id, client, inbound, request, signal: both, emit };
      const served = await serve({ ...own, begun: (as) => begun(as, endpoint) }, serving);
      served.close();
      return served.result;
    },
    acknowledged(notifications) {
      if (events.attached) return;
      reply.send(
        tagged(new McpNotification(ACKNOWLEDGED, RawObject.of({}).with({ notifications })), message.id),
      );
      events.attach((note) => reply.send(tagged(note, message.id)));
    },
    event: (note) => wanted(note) && events.put(note),
    ended: finish,
    log: serving.host.log,
  });
  const forget = serving.onSwap(
    (changedFor) => void subscription.renew(changedFor(caller, inbound.endpoint)),
  );
  const stopping = serving.onStop(() => finish(McpResult.complete({})));
  void subscription.renew();
  void reply.done.then(() => {
    disarm();
    forget();
    stopping();
    subscription.stop();
    leave();
  });
  return reply.response;
}

function answerNow(message: Request, result: McpResult, client: Client, call: HttpCall): Response {
  const text = answerText(message, result, client, call.serving.gateway);
  const headers = { 'content-type': 'application/json', ...call.headers };
  return new Response(text, { status: statusOf(result, client), headers });
}

function tag(raw: RawObject, id: RawId): RawObject {
  return withMeta(raw, { [META.subscriptionId]: new RawJson(id.text) }) ?? raw;
}
