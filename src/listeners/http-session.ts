// The initialize-era half of the HTTP listener: sessions, posted answers, the GET stream, DELETE.

import type { ErrorName } from '../core/errors.ts';
import { UNREAD } from '../core/session-store.ts';
import { errorText, type Message, notificationText, readId } from '../protocol/jsonrpc.ts';
import type { McpNotification, McpRequest } from '../protocol/message.ts';
import { noteLabel } from '../protocol/methods.ts';
import { isInitializeVersion } from '../protocol/versions.ts';
import { BARE, bareStatus, denied } from './admit.ts';
import { askRounds } from './ask.ts';
import { CALL_OVER, CALLER_CANCELLED } from './calls.ts';
import { answerOf, answerText, refusalResponse, requestOf, statusOf } from './edge.ts';
import { answeredBy, type HttpCall, replyTo, tellRefused } from './http-request.ts';
import { initialize } from './initialize.ts';
import type { Answer } from './reply.ts';
import { type Round, type Run, serve } from './serve.ts';
import type { Session } from './session.ts';
import { localAnswer } from './session-local.ts';
import { FULL } from './sessions.ts';

type Request = Extract<Message, { kind: 'request' }>;

const SESSION = 'mcp-session-id';

export function refuse(code: ErrorName, call: HttpCall, detail?: string, message?: Message): Response {
  tellRefused(call, code, detail);
  return refusalResponse(code, detail, message?.kind === 'request' ? message.id : null, call.headers);
}

/** The session a request belongs to, or the refusal. */
export function sessionOf(call: HttpCall, message?: Message): Session | Response {
  const { headers } = call.request;
  const id = headers.get(SESSION);
  const version = headers.get('mcp-protocol-version')?.trim();
  if (id === null || id === '') return refuse('SESSION_REQUIRED', call, undefined, message);
  const session = call.sessions.find(id, call.inbound.endpoint);
  if (!session) return refuse('SESSION_UNKNOWN', call, undefined, message);
  if (session === FULL || session === UNREAD) return refuse('BUSY', call, undefined, message);
  if (version !== undefined && !isInitializeVersion(version)) {
    return refuse(
      'INVALID_REQUEST',
      call,
      `MCP-Protocol-Version ${version} is not spoken in a session here.`,
      message,
    );
  }
  return session;
}

export async function postInSession(message: Message, call: HttpCall): Promise<Response> {
  if (message.kind === 'request' && message.method === 'initialize') return initialize(message, call);
  const session = sessionOf(call, message);
  if (session instanceof Response) return session;
  if (message.kind === 'request') return answer(message, session, call);
  const refusal = await turnedAway(session, call, 'POST');
  if (refusal) return refusal;
  take(message, session, call);
  return new Response(null, { status: 202, headers: call.headers });
}

/** The refusal of what is no request, where it is not for this caller. */
export async function turnedAway(
  session: Session,
  call: HttpCall,
  method: keyof typeof BARE,
): Promise<Response | undefined> {
  const refusal = await denied(session, call, BARE[method]);
  if (!refusal) return undefined;
  const headers = { 'content-type': 'application/json', ...call.headers, ...refusal.headers };
  return new Response(errorText(null, refusal.raw), { status: bareStatus(refusal), headers });
}

/** A notification or a response: nothing is answered, whatever becomes of it. */
export function take(
  message: Exclude<Message, { kind: 'request' }>,
  session: Session,
  { serving }: Pick<HttpCall, 'serving'>,
): void {
  const dropped = (reason: string): void => serving.host.metrics.dropped.inc({ reason });
  if (message.kind === 'result') {
    if (!session.asker.answered(message.id, { result: message.result })) dropped('late_answer');
  } else if (message.kind === 'error') {
    if (!message.id || !session.asker.answered(message.id, { error: message.error })) dropped('late_answer');
  } else if (message.method === 'notifications/cancelled') {
    const id = readId(message.params?.raw('requestId') ?? '');
    if (!id || !session.calls.cancel(id)) dropped('late_cancel');
  } else if (message.method === 'notifications/roots/list_changed') session.rootsChanged();
  else if (message.method !== 'notifications/initialized') dropped('client_notification');
}

async function answer(message: Request, session: Session, call: HttpCall): Promise<Response> {
  const open = (headers: HttpCall['headers']) =>
    call.replays.open(session, { kind: 'answer', request: message.id, headers });
  const reply = replyTo(call, { open });
  answeredBy(respond(message, session, call, reply), reply, message, session.client, call);
  return reply.response;
}

/** Answers one request of a session. */
export async function respond(
  message: Request,
  session: Session,
  call: HttpCall,
  reply: Answer,
): Promise<void> {
  const { signal, end } = session.calls.begin(message.id);
  const local = await localAnswer(message, {
    session,
    host: call.serving.host,
    limits: call.serving.limits,
    admit: (request) => denied(session, call, request),
    refused: (code, reason) => tellRefused(call, code, reason),
  });
  if (local) {
    end();
    reply.finish(
      answerText(message, local, session.client, call.serving.gateway),
      statusOf(local, session.client),
      local.headers,
    );
    return;
  }
  // A client that goes away has not cancelled (2025-11-25 basic/transports): the call runs on, and where its answer
  // is a stream already, the client can come back for it.
  const served = await serve(callOf(message, session, call, reply, signal), call.serving);
  const { result } = served;
  if (signal.aborted && signal.reason === CALLER_CANCELLED) reply.close();
  else
    reply.finish(
      answerOf(message, result, session.client, call.serving.gateway),
      statusOf(result, session.client),
      result.headers,
    );
  await reply.done;
  served.close();
  end(CALL_OVER);
}

function callOf(
  { method, params }: Request,
  session: Session,
  call: HttpCall,
  reply: Answer,
  signal: AbortSignal,
) {
  const { host } = call.serving;
  const send = (text: string): boolean => reply.canStream && (text === '' || reply.send(text) !== false);
  const { parkTtl: timeout, rounds } = call.serving.limits();
  const { asker, client } = session;
  const asking = { asker, client, id: call.id, signal, timeout, rounds, host, send };
  return {
    id: call.id,
    client: session.client,
    inbound: call.inbound,
    request: requestOf(method, params, session.logLevel),
    signal,
    emit(note: McpNotification): Promise<void> | undefined {
      const sent = reply.note(notificationText(note.method, note.raw));
      if (sent === false) host.metrics.dropped.inc({ reason: 'no_stream' });
      else host.metrics.notifications.inc({ method: noteLabel(note.method) });
      return sent === false ? undefined : sent;
    },
    rounds: (request: McpRequest, first: Round, run: Run) => askRounds(request, first, run, asking),
  };
}
