// GET and DELETE of an initialize-era session: its standing stream, streams that are resumed, and its end.

import type { RawId } from '../protocol/jsonrpc.ts';
import { sseEvent } from '../protocol/sse.ts';
import { refusalText } from './edge.ts';
import { type EventId, readEventId, writeEventId } from './event-id.ts';
import { type EventStream, SSE_HEADERS } from './event-stream.ts';
import { accepts, type HttpCall, tellRefused } from './http-request.ts';
import { refuse, sessionOf, turnedAway } from './http-session.ts';
import type { Replay } from './replay.ts';
import type { Session } from './session.ts';
import { enterStream } from './streams.ts';
import { whileProven } from './while-proven.ts';

export async function getStream(call: HttpCall): Promise<Response> {
  const { headers } = call.request;
  if (!accepts(headers).stream) return refuse('NOT_ACCEPTABLE', call);
  const session = sessionOf(call);
  if (session instanceof Response) return session;
  const refusal = await turnedAway(session, call, 'GET');
  if (refusal) return refusal;
  const seen = headers.get('last-event-id');
  if (seen === null || seen === '') return begin(session, call);
  const id = readEventId(seen);
  if (!id) return refuse('STREAM_LOST', call);
  return id.kind === 'standing' ? resumeStanding(id, session, call) : resumeAnswer(id, session, call);
}

export async function deleteSession(call: HttpCall): Promise<Response> {
  const session = sessionOf(call);
  if (session instanceof Response) return session;
  const refusal = await turnedAway(session, call, 'DELETE');
  if (refusal) return refusal;
  await call.sessions.end(call.request.headers.get('mcp-session-id') ?? '');
  return new Response(null, { status: 200, headers: call.headers });
}

function begin(session: Session, call: HttpCall): Response {
  // A second stream never takes over the first.
  if (session.standing.attached) return refuse('STREAM_TAKEN', call);
  const leave = enterStream(call.serving);
  if (!leave) return refuse('BUSY', call);
  const replay = call.replays.open(session, { kind: 'standing', headers: call.headers });
  // The head and a first byte go out at once, although nothing may happen for minutes.
  replay.comment();
  stand(replay, replay.first, session, call, leave);
  return replay.response;
}

/** One that is not there any more, as after a restart, begins anew: what is missing on it are notifications. */
function resumeStanding(id: EventId, session: Session, call: HttpCall): Response {
  const replay = call.replays.find(session, id.stream);
  if (!replay) return begin(session, call);
  const leave = enterStream(call.serving);
  if (!leave) return refuse('BUSY', call);
  const connection = replay.resume(id.place, call.headers);
  if (typeof connection === 'string') {
    leave();
    return refuse('STREAM_LOST', call);
  }
  resumed('replayed', call);
  stand(replay, connection, session, call, leave);
  return connection.response;
}

/** Ties a connection of the standing stream to its session, for as long as both last. */
function stand(
  replay: Replay,
  connection: EventStream,
  session: Session,
  call: HttpCall,
  leave: () => void,
): void {
  const quiet = { tick: () => connection.comment() };
  const detach = session.standing.attach((text) => (connection.open ? replay.note(text) : false));
  const end = (): void => connection.end();
  const stopping = call.serving.onStop(end);
  const swapping = call.serving.onSwap(() => {
    if (!call.serving.endpoint(session.path)) end();
  });
  session.client.session?.ended.addEventListener('abort', end, { once: true });
  call.keepAlive.add(quiet);
  call.inbound.answer?.lasts(connection.done);
  // A client with a newer proof goes on; one without is told at its next request.
  const disarm = whileProven(() => session.proven, call.serving.host.now, end);
  void connection.done.then(() => {
    disarm();
    session.client.session?.ended.removeEventListener('abort', end);
    call.keepAlive.remove(quiet);
    stopping();
    swapping();
    detach();
    leave();
  });
}

/** The rest of an answer whose connection was lost: what was missed of it, then what is still to come. */
function resumeAnswer(id: EventId, session: Session, call: HttpCall): Response {
  if (id.last) return nothingMore(call);
  const leave = enterStream(call.serving);
  if (!leave) return refuse('BUSY', call);
  const connection = call.replays.find(session, id.stream)?.resume(id.place, call.headers) ?? 'lost';
  if (typeof connection !== 'string') {
    resumed('replayed', call);
    call.inbound.answer?.lasts(connection.done);
    void connection.done.then(leave);
    return connection.response;
  }
  leave();
  if (connection === 'over') return nothingMore(call);
  resumed('lost', call);
  return id.request ? lost(id, id.request, call) : refuse('STREAM_LOST', call);
}

/** Of all statuses, this one tells a reader of events not to come again (WHATWG HTML §9.2.3). */
function nothingMore(call: HttpCall): Response {
  return new Response(null, { status: 204, headers: call.headers });
}

/** A status alone would leave the client waiting for an answer that never comes; so it gets one. */
function lost(id: EventId, request: RawId, call: HttpCall): Response {
  tellRefused(call, 'STREAM_LOST');
  const answer = refusalText('STREAM_LOST', undefined, request, { requestId: call.id });
  const last = writeEventId({ ...id, place: id.place + 1, last: true });
  return new Response(sseEvent(answer, { id: last }), { headers: { ...SSE_HEADERS, ...call.headers } });
}

function resumed(outcome: 'replayed' | 'lost', call: HttpCall): void {
  call.serving.host.metrics.resumed.inc({ outcome });
}
