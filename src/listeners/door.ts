// Who calls, asked at the door of HTTP: whoever is not let in is told so before anything else of the request counts,
// by one status for all that the request brought.

import { ANONYMOUS, type Client, NO_CAPABILITIES, type Principal } from '../core/client.ts';
import { errorText, type Message } from '../protocol/jsonrpc.ts';
import type { McpRequest, McpResult } from '../protocol/message.ts';
import { isStatelessVersion, NEWEST_INITIALIZE } from '../protocol/versions.ts';
import { bareStatus, refusedName } from './admit.ts';
import { answerText, requestOf, statusOf } from './edge.ts';
import { type HttpCall, tellRefused } from './http-request.ts';

/**
 * @param what the message, or what stands for a request without one
 * @param isHeard whether its client looks into the answer for what the message is answered; else the status tells it
 * @returns the refusal, or who calls as far as it is known before any other plugin has seen the request
 */
export async function atTheDoor(
  call: HttpCall,
  what: Message | McpRequest,
  isHeard = true,
): Promise<Response | Principal> {
  const { serving, inbound, id } = call;
  const endpoint = serving.endpoint(inbound.endpoint);
  if (!endpoint) return ANONYMOUS;
  const message = 'kind' in what && what.kind === 'request' ? what : undefined;
  const request =
    'kind' in what ? requestOf('method' in what ? what.method : 'POST', paramsOf(what), undefined) : what;
  const client = strangerOf(call);
  const { refusal, principal } = await endpoint.recognise(client, inbound, request, id);
  if (!refusal) return principal;
  // The plugins above the one that refuses see that it does.
  const result = (await endpoint.admit(client, inbound, request, id)) ?? refusal;
  const text = message
    ? answerText(message, result, client, serving.gateway)
    : errorText(client.era === '2026' ? undefined : null, result.raw);
  return refused(call, result, text, message && isHeard ? statusOf(result, client) : bareStatus(result));
}

/**
 * The same for a stream that begins: its request is all that plugins can say no to.
 * @returns the refusal, or who calls
 */
export async function streamAtTheDoor(call: HttpCall, request: McpRequest): Promise<Response | Principal> {
  const stranger = await atTheDoor(call, request);
  if (stranger instanceof Response) return stranger;
  const { serving, inbound, id } = call;
  const result = await serving.endpoint(inbound.endpoint)?.admit(strangerOf(call), inbound, request, id);
  return result ? refused(call, result, errorText(null, result.raw), bareStatus(result)) : stranger;
}

function refused(call: HttpCall, result: McpResult, text: string, status: number): Response {
  tellRefused(call, refusedName(result), result.why);
  const headers = { 'content-type': 'application/json', ...call.headers, ...result.headers };
  return new Response(text, { status, headers });
}

const paramsOf = (message: Message) => ('params' in message ? message.params : undefined);

/** The client as far as the head of its request tells. */
function strangerOf({ request }: HttpCall): Client {
  const said = request.headers.get('mcp-protocol-version')?.trim() ?? '';
  const isStateless = isStatelessVersion(said);
  return {
    era: isStateless ? '2026' : '2025',
    version: isStateless ? said : NEWEST_INITIALIZE,
    transport: 'http',
    info: undefined,
    capabilities: NO_CAPABILITIES,
    principal: ANONYMOUS,
  };
}
