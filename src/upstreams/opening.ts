// An exchange of the gateway's own, for what it asks an upstream before any client does.

import { ANONYMOUS, NO_CAPABILITIES } from '../core/client.ts';
import { Exchange } from '../core/exchange.ts';
import { McpRequest } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import { STATELESS } from '../protocol/versions.ts';

export function opening(method: string, params: RawObject, signal = new AbortController().signal): Exchange {
  return new Exchange({
    id: `open-${crypto.randomUUID()}`,
    client: {
      era: '2026',
      version: STATELESS,
      transport: 'stdio',
      info: undefined,
      capabilities: NO_CAPABILITIES,
      principal: ANONYMOUS,
    },
    inbound: { listener: 'gateway', endpoint: '', headers: new Headers() },
    request: new McpRequest(method, params),
    route: { kind: 'local' },
    signal,
    now: Date.now(),
  });
}
