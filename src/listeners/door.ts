// Who calls, asked at the door of HTTP: whoever is not let in is told so before anything else of the request counts,
// by one status for all that the request brought.

import { ANONYMOUS, type Client, NO_CAPABILITIES, type Principal } from '../core/client.ts';
import { errorText, type Message } from '../protocol/jsonrpc.ts';
import type { McpRequest } from '../protocol/message.ts';
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
  tellRefused(call, refusedName(result));
  const text = message
    ? answerText(message, result, client, serving.gateway)
    : errorText(client.era === '2026' ? undefined : null, result.raw);
  const headers = { 'content-type': 'application/json', ...call.headers, ...result.headers };
  const status = message && isHeard ? statusOf(result, client) : bareStatus(result);
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
