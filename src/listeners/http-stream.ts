// GET and DELETE of an initialize-era session: its standing stream, and its end.

import { createEventStream } from './event-stream.ts';
import { accepts, type HttpCall } from './http-request.ts';
import { refuse, sessionOf } from './http-session.ts';
import { enterStream } from './streams.ts';

export function getStream(call: HttpCall): Response {
  const { headers } = call.request;
  if (!accepts(headers).stream) return refuse('NOT_ACCEPTABLE', call);
  const session = sessionOf(call);
  if (session instanceof Response) return session;
  // A second stream never takes over the first.
  if (session.standing.attached) return refuse('STREAM_TAKEN', call);
  const leave = enterStream(call.serving);
  if (!leave) return refuse('BUSY', call);
  const stream = createEventStream({
    buffer: call.serving.limits().streamBuffer,
    headers: call.headers,
    gone: () => {},
  });
  const quiet = { tick: () => stream.comment() };
  const detach = session.standing.attach((text) => (stream.open ? stream.send(text) : false));
  const end = (): void => stream.end();
  const stopping = call.serving.onStop(end);
  const swapping = call.serving.onSwap(() => {
    if (!call.serving.endpoint(session.path)) end();
  });
  session.client.session?.ended.addEventListener('abort', end, { once: true });
  call.keepAlive.add(quiet);
  // The head and a first byte go out at once, although nothing may happen for minutes.
  stream.comment();
  void stream.done.then(() => {
    session.client.session?.ended.removeEventListener('abort', end);
    call.keepAlive.remove(quiet);
    stopping();
    swapping();
    detach();
    leave();
  });
  return stream.response;
}

export function deleteSession(call: HttpCall): Response {
  const session = sessionOf(call);
  if (session instanceof Response) return session;
  call.sessions.end(call.request.headers.get('mcp-session-id') ?? '');
  return new Response(null, { status: 200, headers: call.headers });
}
