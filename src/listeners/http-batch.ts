// A posted batch: its requests run side by side, and are answered as one.

import { catalogue } from '../core/errors.ts';
import { MessageError } from '../protocol/jsonrpc.ts';
import { BARE, denied } from './admit.ts';
import { BATCHED, type Batch, BatchReply, NO_BATCH, readBatch } from './batch.ts';
import { refusalResponse } from './edge.ts';
import { accepts, answeredBy, type HttpCall, replyTo, tellRefused } from './http-request.ts';
import { refuse, respond, sessionOf, take, turnedAway } from './http-session.ts';

export async function postBatch(body: string, call: HttpCall): Promise<Response> {
  if (!call.request.headers.get('mcp-session-id')) return refuse('INVALID_REQUEST', call, NO_BATCH);
  const session = sessionOf(call);
  if (session instanceof Response) return session;
  if (session.client.version !== BATCHED) return refuse('INVALID_REQUEST', call, NO_BATCH);
  const batch = read(body, call);
  if (batch instanceof Response) return batch;
  const { requests, others, refusals } = batch;
  if (requests.length + refusals.length === 0) {
    const refusal = await turnedAway(session, call, 'POST');
    if (refusal) return refusal;
    for (const message of others) take(message, session, call);
    return new Response(null, { status: 202, headers: call.headers });
  }
  const { stream, json } = accepts(call.request.headers);
  if (!stream && !json) return refuse('NOT_ACCEPTABLE', call);
  const open = (headers: HttpCall['headers']) => call.replays.open(session, { kind: 'answer', headers });
  const reply = replyTo(call, { open });
  const answers = new BatchReply(reply, batch);
  for (const [index, message] of requests.entries()) {
    const part = answers.part();
    // Each is a call of its own for plugins and in the log.
    const one = { ...call, id: `${call.id}.${index + 1}` };
    answeredBy(respond(message, session, one, part), part, message, session.client, one);
  }
  // Behind the requests, so that one that cancels finds what it means.
  if (others.length > 0 && !(await denied(session, call, BARE.POST)))
    for (const message of others) take(message, session, call);
  return reply.response;
}

function read(body: string, call: HttpCall): Batch | Response {
  const { serving, headers } = call;
  try {
    const refused = (reason: string): void => tellRefused(call, 'INVALID_REQUEST', reason);
    return readBatch(body, serving.limits(), serving.host, refused);
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    const code = error.code === catalogue.PARSE.code ? 'PARSE' : 'INVALID_REQUEST';
    tellRefused(call, code, error.message);
    return refusalResponse(code, error.message, error.id ?? null, headers);
  }
}
