// The handshake of the initialize era: a server/discover exchange beneath, a session above.

import { NO_CAPABILITIES } from '../core/client.ts';
import { errorText, type Message, resultText } from '../protocol/jsonrpc.ts';
import { McpRequest, type McpResult, META } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { isInitializeVersion, NEWEST_INITIALIZE } from '../protocol/versions.ts';
import { refusalResponse, statusOf } from './edge.ts';
import { type HttpCall, tellRefused } from './http-request.ts';
import { serve } from './serve.ts';
import type { Session } from './session.ts';
import { FULL } from './sessions.ts';

type Request = Extract<Message, { kind: 'request' }>;

export interface Introduced {
  readonly version: string;
  readonly info: RawObject | undefined;
  readonly capabilities: RawObject;
}

/**
 * What the client says of itself. A revision that is not known is answered with our newest (2025-11-25
 * basic/lifecycle §Version Negotiation), never refused.
 */
export function introduction({ params }: Request): Introduced | undefined {
  const asked = params?.string('protocolVersion');
  const capabilities = params?.object('capabilities');
  if (asked === undefined || capabilities === undefined) return undefined;
  return {
    version: isInitializeVersion(asked) ? asked : NEWEST_INITIALIZE,
    info: params?.object('clientInfo'),
    capabilities: capabilities ?? NO_CAPABILITIES,
  };
}

/** An InitializeResult from what discover says; extensions belong to the other era, tasks to one revision of this. */
export function initializeResult(discovered: McpResult, version: string): RawObject {
  const { raw } = discovered;
  const instructions = raw.string('instructions');
  const serverInfo =
    raw.object('_meta')?.object(META.serverInfo) ?? RawObject.of({ name: 'sluice', version: '0' });
  return RawObject.of({ protocolVersion: version }).with({
    capabilities: (raw.object('capabilities') ?? RawObject.of({})).with({
      extensions: undefined,
      ...(version === NEWEST_INITIALIZE ? {} : { tasks: undefined }),
    }),
    serverInfo,
    ...(instructions === undefined ? {} : { instructions }),
  });
}

export const DISCOVER = new McpRequest('server/discover', undefined);

export async function initialize(message: Request, call: HttpCall): Promise<Response> {
  const said = introduction(message);
  if (!said) {
    const detail = 'initialize needs params.protocolVersion and params.capabilities.';
    tellRefused(call, 'INVALID_REQUEST', detail);
    return refusalResponse('INVALID_REQUEST', detail, message.id, call.headers);
  }
  const before = call.request.headers.get('mcp-session-id');
  if (before !== null && call.sessions.find(before, call.inbound.endpoint)) {
    const detail = 'The session is initialized already.';
    tellRefused(call, 'INVALID_REQUEST', detail);
    return refusalResponse('INVALID_REQUEST', detail, message.id, call.headers);
  }
  const created = call.sessions.create(said, call.inbound.endpoint);
  if (created === FULL) {
    tellRefused(call, 'BUSY');
    return refusalResponse('BUSY', undefined, message.id, call.headers);
  }
  const { id, session } = created;
  const served = await serve(
    {
      id: call.id,
      client: session.client,
      inbound: call.inbound,
      request: DISCOVER,
      signal: call.request.signal,
      emit: () => undefined,
    },
    call.serving,
  );
  const bound = call.sessions.bind(id, session, served.principal);
  const response = respond(message, served.result, bound, session, call);
  served.close();
  return response;
}

function respond(
  message: Request,
  result: McpResult,
  sessionId: string,
  session: Session,
  call: HttpCall,
): Response {
  const headers = { 'content-type': 'application/json', ...call.headers, ...result.headers };
  if (result.kind === 'complete') {
    const text = resultText(message.id.text, initializeResult(result, session.client.version));
    return new Response(text, { headers: { ...headers, 'mcp-session-id': sessionId } });
  }
  void call.sessions.end(sessionId);
  return new Response(errorText(message.id.text, result.raw), {
    status: statusOf(result, session.client),
    headers,
  });
}
