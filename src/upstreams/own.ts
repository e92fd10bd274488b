// Exchanges of the gateway's own with one upstream, for what it says there on nobody's behalf: greetings,
// subscriptions, the log level, the end of a session. They pass the onSend hooks of the upstream's pipeline.

import { type Client, GATEWAY, NO_CAPABILITIES } from '../core/client.ts';
import { Exchange, type SendersOf } from '../core/exchange.ts';
import { McpRequest } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import { STATELESS } from '../protocol/versions.ts';

/** Opens one. @param method that of the message; `GET` or `DELETE` where there is none */
export type Own = (method: string, params?: RawObject, signal?: AbortSignal) => Exchange;

/** As whom the gateway speaks on a link: the principal that it serves alone, and what proved it last. */
export interface Whose {
  principal: Client['principal'];
  token: Client['token'];
}

/** Of a link that serves several, and of what goes out where there is no link. */
const NOBODY: Whose = { principal: GATEWAY, token: undefined };

/**
 * @param senders of the generation that runs now: links live longer than one
 * @returns who opens them on a link of `whose`
 */
export function createOwn(
  upstream: string,
  senders: () => SendersOf,
  now: () => number,
): (whose?: Whose) => Own {
  return (whose = NOBODY) =>
    (method, params, signal = new AbortController().signal) => {
      const request = new McpRequest(method, params);
      const x = new Exchange({
        id: `own-${crypto.randomUUID()}`,
        client: {
          era: '2026',
          version: STATELESS,
          transport: 'stdio',
          info: undefined,
          capabilities: NO_CAPABILITIES,
          principal: whose.principal,
          token: whose.token,
        },
        inbound: { listener: 'gateway', endpoint: '', headers: new Headers() },
        request,
        route: { kind: 'one', upstream },
        signal,
        now: now(),
        isOwn: true,
      }).fork(upstream, request);
      for (const sender of senders()(x)) x.addSender(sender);
      return x;
    };
}
