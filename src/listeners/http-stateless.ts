// The 2026-07-28 half of the HTTP listener: every POST stands alone, and closing its answer cancels the call.

import { ANONYMOUS, type Client } from '../core/client.ts';
import { errorResult, GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { checkStateless, type Refusal } from '../protocol/classify.ts';
import { checkParamHeaders, HeaderError, paramDeclarations } from '../protocol/headers.ts';
import { type Message, notificationText } from '../protocol/jsonrpc.ts';
import { type McpNotification, type McpResult, META } from '../protocol/message.ts';
import { noteLabel } from '../protocol/methods.ts';
import { RawObject } from '../protocol/raw.ts';
import { answerOf, refusalResponse, requestOf, statusOf } from './edge.ts';
import { listenStateless } from './http-listen.ts';
import { answeredBy, type HttpCall, replyTo, tellRefused } from './http-request.ts';
import type { Reply } from './reply.ts';
import { serve } from './serve.ts';
import type { Endpoint } from './serving.ts';

type Request = Extract<Message, { kind: 'request' }>;

const GONE = new GatewayError('CANCELLED', 'the client closed the connection');

export async function postStateless(message: Message, call: HttpCall): Promise<Response> {
  // No notification of a client is defined here; what is not understood is accepted and dropped.
  if (message.kind !== 'request') return new Response(null, { status: 202, headers: call.headers });
  const { headers } = call.request;
  const refusal = checkStateless(message, (name) => headers.get(name));
  if (refusal) return refused(refusal, message, call);
  const client = clientOf(message, 'http');
  if (message.method === 'subscriptions/listen') return listenStateless(message, client, call);
  return answer(message, client, call);
}

/** The client as one request declares it; `checkStateless` has passed. */
export function clientOf({ params }: Request, transport: Client['transport']): Client {
  const meta = params?.object('_meta');
  return {
    era: '2026',
    version: meta?.string(META.protocolVersion) ?? '',
    transport,
    info: meta?.object(META.clientInfo),
    capabilities: meta?.object(META.clientCapabilities) ?? RawObject.of({}),
    principal: ANONYMOUS,
  };
}

function refused({ code, detail, data }: Refusal, { id }: Request, call: HttpCall): Response {
  tellRefused(call, code, detail);
  return refusalResponse(code, detail, id, call.headers, { ...data });
}

/** Arguments that headers mirror must agree with them, by the schema this client was shown. */
async function checkParams(
  message: Request,
  headers: Headers,
  x: Exchange,
  endpoint: Endpoint,
): Promise<McpResult | undefined> {
  const tool = message.method === 'tools/call' ? message.params?.string('name') : undefined;
  if (tool === undefined || x.route.kind === 'none') return undefined;
  for (const fresh of [false, true]) {
    const schema = await endpoint.toolSchema(x, tool, fresh);
    const reason = schema && mismatchOf(message, headers, schema);
    if (reason === undefined) return undefined;
    // The schema we knew may have been old, so it is looked at again before the call is refused.
    if (fresh) return errorResult('HEADER_MISMATCH', `Header mismatch: ${reason}.`);
  }
  return undefined;
}

function mismatchOf(message: Request, headers: Headers, schema: RawObject): string | undefined {
  if (!schema.text.includes('x-mcp-header')) return undefined;
  try {
    return checkParamHeaders(
      (name) => headers.get(name),
      paramDeclarations(schema.value),
      message.params?.object('arguments'),
    );
  } catch (error) {
    // A tool whose declarations break the rules is hidden; calling it is not this check's affair.
    if (error instanceof HeaderError) return undefined;
    throw error;
  }
}

async function answer(message: Request, client: Client, call: HttpCall): Promise<Response> {
  const cancelled = new AbortController();
  const reply = replyTo(call, { gone: () => cancelled.abort(GONE) });
  answeredBy(run(message, client, call, reply, cancelled.signal), reply, message, client, call);
  return reply.response;
}

async function run(
  message: Request,
  client: Client,
  call: HttpCall,
  reply: Reply,
  signal: AbortSignal,
): Promise<void> {
  const { host } = call.serving;
  const emit = (note: McpNotification): Promise<void> | undefined => {
    const sent = reply.send(notificationText(note.method, note.raw));
    if (sent !== false) {
      host.metrics.notifications.inc({ method: noteLabel(note.method) });
      return sent;
    }
    host.metrics.dropped.inc({ reason: 'no_stream' });
    return undefined;
  };
  const served = await serve(
    {
      id: call.id,
      client,
      inbound: call.inbound,
      request: requestOf(message.method, message.params, undefined),
      signal,
      emit,
      check: (x, endpoint) => checkParams(message, call.request.headers, x, endpoint),
    },
    call.serving,
  );
  const { result } = served;
  reply.finish(
    answerOf(message, result, client, call.serving.gateway),
    statusOf(result, client),
    result.headers,
  );
  await reply.done;
  served.close();
}
