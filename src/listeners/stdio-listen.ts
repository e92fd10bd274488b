// A 2026-07-28 subscription on a pipe: events among everything else, told apart by the id of its request.

import type { Client } from '../core/client.ts';
import { type ErrorName, errorResult } from '../core/errors.ts';
import type { Inbound } from '../core/exchange.ts';
import { type Message, notificationText } from '../protocol/jsonrpc.ts';
import { McpNotification, McpResult, META, withMeta } from '../protocol/message.ts';
import { RawJson, RawObject } from '../protocol/raw.ts';
import { requestOf } from './edge.ts';
import { tagged } from './http-listen.ts';
import { Latest } from './latest.ts';
import { serve } from './serve.ts';
import type { Serving } from './serving.ts';
import { enterStream } from './streams.ts';
import { ACKNOWLEDGED, Subscription } from './subscription.ts';
import { filterRefusal, subscriptionsFull, wantedBy, watchedBy } from './wanted.ts';

type Request = Extract<Message, { kind: 'request' }>;

/** @returns the result to close the subscription with, when it ends by itself or `signal` aborts */
export async function listenOnPipe(
  message: Request,
  client: Client,
  inbound: Inbound,
  signal: AbortSignal,
  serving: Serving,
  note: (text: string) => Promise<void> | undefined,
): Promise<McpResult> {
  const filter = message.params?.object('notifications');
  const watched = watchedBy(filter);
  const refused = (code: ErrorName): void =>
    serving.refused({ code, listener: inbound.listener, path: inbound.endpoint, method: message.method });
  const refusal = filterRefusal(message.params);
  if (refusal) {
    refused('PARAMS_INVALID');
    return refusal;
  }
  if (watched > serving.limits().subscriptions) {
    refused('SUBSCRIPTIONS_FULL');
    return subscriptionsFull(serving.host);
  }
  const leave = enterStream(serving);
  if (!leave) {
    refused('BUSY');
    return errorResult('BUSY');
  }
  const over = Promise.withResolvers<McpResult>();
  const wanted = wantedBy(filter);
  const events = new Latest(
    serving.host.metrics,
    () => serving.limits().events + watched,
    () => serving.limits().streamBuffer,
  );
  const subscription = new Subscription({
    async run(own, emit) {
      if (!serving.endpoint(inbound.endpoint)) return McpResult.complete({});
      const request = requestOf(message.method, message.params, undefined);
      const both = AbortSignal.any([own, signal]);
      const id = `listen-${crypto.randomUUID()}`;
      const served = await serve({ id, client, inbound, request, signal: both, emit }, serving);
      served.close();
      return served.result;
    },
    acknowledged(notifications) {
      if (events.attached) return;
      const raw = RawObject.of({}).with({ notifications });
      void note(tagged(new McpNotification(ACKNOWLEDGED, raw), message.id));
      events.attach((event) => note(tagged(event, message.id)));
    },
    event: (event) => wanted(event) && events.put(event),
    ended: over.resolve,
    log: serving.host.log,
  });
  const undo = [
    serving.onSwap((changedFor) => void subscription.renew(changedFor(client, inbound.endpoint))),
    serving.onStop(() => {
      // On a pipe the end of a subscription is announced (2026-07-28 patterns/cancellation), then answered.
      const requestId = new RawJson(message.id.text);
      void note(notificationText('notifications/cancelled', RawObject.of({}).with({ requestId })));
      over.resolve(McpResult.complete({}));
    }),
    leave,
  ];
  void subscription.renew();
  const result = await over.promise;
  subscription.stop();
  for (const each of undo) each();
  if (result.kind !== 'complete') return result;
  return new McpResult(
    'complete',
    withMeta(result.raw, { [META.subscriptionId]: new RawJson(message.id.text) }) ?? result.raw,
  );
}
