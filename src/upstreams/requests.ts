// The text of a request for an upstream, by era. Used by every transport.

import type { Client } from '../core/client.ts';
import { sessionParams, statelessParams } from '../protocol/codec.ts';
import { requestText } from '../protocol/jsonrpc.ts';
import type { Era } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { Call } from './call.ts';

/** Parameters as the upstream's era wants them, with our progress token where the caller wants progress. */
export function paramsOf(era: Era, call: Call): RawObject | undefined {
  const { request, client } = call.x;
  const token = request.meta.progressToken === undefined ? undefined : String(call.id);
  if (era === '2025') return sessionParams(request.raw, token);
  return statelessParams(request.raw, speaker(client, request.meta.logLevel), token);
}

export function requestOf(era: Era, call: Call): string {
  return requestText(String(call.id), call.x.request.method, paramsOf(era, call));
}

function speaker({ version, info, capabilities }: Client, logLevel: string | undefined) {
  return { version, info, capabilities, logLevel };
}
