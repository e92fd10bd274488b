// The headers of a message to an upstream. An allow-list made from nothing: no header of the client is copied.

import type { Exchange } from '../core/exchange.ts';
import { standardHeaders } from '../protocol/headers.ts';
import type { Era } from '../protocol/message.ts';

export interface HeadOptions {
  readonly transport: 'http' | 'builtin';
  readonly era: Era;
  readonly url: string;
  /** Negotiated revision. */
  readonly version: string;
  /** Session of the initialize era, where the server gave one. */
  readonly session: string | undefined;
  /** From the configuration, revealed; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly userAgent: string;
}

/** @param x the exchange the message belongs to, if any: its request id travels along */
export function headOf(options: HeadOptions, x?: Exchange): Record<string, string> {
  return {
    'user-agent': options.userAgent,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'accept-encoding': 'identity',
    ...(x ? { 'x-request-id': x.id } : {}),
    ...options.headers,
    'mcp-protocol-version': options.version,
    ...(options.session === undefined ? {} : { 'mcp-session-id': options.session }),
    ...(options.era === '2026' && x ? lower(standardHeaders(x.request.method, x.request.raw)) : {}),
  };
}

/** The same for a GET or DELETE. */
export function headWithoutBody(options: HeadOptions, x: Exchange): Record<string, string> {
  const { accept: _accept, 'content-type': _type, ...head } = headOf(options, x);
  return head;
}

function lower(headers: Record<string, string>): Record<string, string> {
  const lowered: Record<string, string> = {};
  for (const name in headers) lowered[name.toLowerCase()] = headers[name] as string;
  return lowered;
}
