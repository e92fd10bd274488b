// A 2026-07-28 subscription on a pipe: events among everything else, told apart by the id of its request.

import type { Client } from '../core/client.ts';
import type { Inbound } from '../core/exchange.ts';
import { errorResult } from '../core/errors.ts';
import type { Message } from '../protocol/jsonrpc.ts';
import { META, McpNotification, McpResult, withMeta } from '../protocol/message.ts';
import { RawJson, RawObject } from '../protocol/raw.ts';
import { requestOf } from './edge.ts';
import { tagged } from './http-listen.ts';
import { serve } from './serve.ts';
import type { Serving } from './serving.ts';
import { ACKNOWLEDGED, Subscription } from './subscription.ts';

type Request = Extract<Message, { kind: 'request' }>;

/** @returns the result to close the subscription with, when it ends by itself or `signal` aborts */
export async function listenOnPipe(
  message: Request,
  client: Client,
  inbound: Inbound,
  signal: AbortSignal,
  serving: Serving,
  note: (text: string) => Promise<void>,
): Promise<McpResult> {
  const over = Promise.withResolvers<McpResult>();
  let first = true;
  const subscription = new Subscription({
    async run(own, emit) {
      const endpoint = serving.endpoint(inbound.endpoint);
      if (!endpoint) return errorResult('STOPPING');
      const request = requestOf(message.method, message.params, undefined);
      const both = AbortSignal.any([own, signal]);
      const id = `listen-${crypto.randomUUID()}`;
      const served = await serve({ id, client, inbound, request, signal: both, emit }, endpoint, serving);
      served.close();
      return served.result;
    },
    acknowledged(notifications) {
      if (!first) return;
      first = false;
      const raw = RawObject.of({}).with({ notifications });
      void note(tagged(new McpNotification(ACKNOWLEDGED, raw), message.id));
    },
    event: (event) => note(tagged(event, message.id)),
    ended: over.resolve,
    log: serving.host.log,
  });
  const undo = [
    serving.onSwap((changedFor) => subscription.renew(changedFor(client, inbound.endpoint))),
    serving.onStop(() => over.resolve(McpResult.complete({}))),
  ];
  subscription.renew();
  const result = await over.promise;
  subscription.stop();
  for (const each of undo) each();
  if (result.kind !== 'complete') return result;
  return new McpResult('complete', withMeta(result.raw, { [META.subscriptionId]: new RawJson(message.id.text) }) ?? result.raw);
}
