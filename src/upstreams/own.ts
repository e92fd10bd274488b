// Exchanges of the gateway's own with one upstream, for what it says there on nobody's behalf: greetings,
// subscriptions, the log level, the end of a session. They pass the onSend hooks of the upstream's pipeline.

import { NO_CAPABILITIES, type Principal } from '../core/client.ts';
import { Exchange, type SendersOf } from '../core/exchange.ts';
import { McpRequest } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import { STATELESS } from '../protocol/versions.ts';

/** Opens one. @param method that of the message; `GET` or `DELETE` where there is none */
export type Own = (method: string, params?: RawObject, signal?: AbortSignal) => Exchange;

/** Whom these exchanges are for. */
const GATEWAY: Principal = { id: 'gateway', scopes: [] };

/** @param senders of the generation that runs now: links live longer than one */
export function createOwn(upstream: string, senders: () => SendersOf, now: () => number): Own {
  return (method, params, signal = new AbortController().signal) => {
    const request = new McpRequest(method, params);
    const x = new Exchange({
      id: `own-${crypto.randomUUID()}`,
      client: {
        era: '2026',
        version: STATELESS,
        transport: 'stdio',
        info: undefined,
        capabilities: NO_CAPABILITIES,
        principal: GATEWAY,
      },
      inbound: { listener: 'gateway', endpoint: '', headers: new Headers() },
      request,
      route: { kind: 'one', upstream },
      signal,
      now: now(),
    }).fork(upstream, request);
    for (const sender of senders()(x)) x.addSender(sender);
    return x;
  };
}
