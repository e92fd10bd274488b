// The HTTP+SSE transport of 2024-11-05 as a channel: one GET stream brings everything, and says where the POSTs go.

import { GatewayError, messageOf } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { settledWithin } from '../lib/settled.ts';
import type { SseEvent } from '../protocol/sse.ts';
import { type Channel, type ChannelHooks, Unwritten } from './channel.ts';
import type { HttpAnswer, HttpClient } from './http-client.ts';
import { type HeadOptions, headOf, headWithoutBody } from './http-head.ts';
import { eventsOf, mediaType, type Reading, sseReader } from './http-read.ts';
import { statusFault, unavailable } from './http-status.ts';
import { sendOut } from './senders.ts';
import type { UpstreamTimeouts } from './spec.ts';
import { WrongEra } from './verdict.ts';

export interface SseStream {
  /** Begins to hand over what comes. */
  channel(hooks: ChannelHooks): Channel;
  /** For a stream that is not taken. */
  discard(): void;
}

export interface SseOpening {
  readonly name: string;
  readonly client: HttpClient;
  readonly head: HeadOptions;
  readonly reading: Reading;
  readonly timeouts: Pick<UpstreamTimeouts, 'close'>;
  readonly host: Host;
}

/** The stream and, with its first event, the address for messages; there is no way back to an ended one. */
interface Stream {
  readonly at: SseOpening;
  readonly events: AsyncGenerator<SseEvent>;
  readonly endpoint: string;
  readonly life: AbortController;
  /** Where what comes goes, once somebody is there to take it. */
  readonly to: { hooks?: ChannelHooks };
}

/** Why a channel is over that was told to end. */
const CLOSED = 'was closed';

/**
 * Opens the stream and waits for its first event.
 * @param x of the GET; when its signal aborts meanwhile, the opening is given up
 * @throws WrongEra when what answers is no such stream; GatewayError when it cannot be used
 */
export async function openSseStream(at: SseOpening, x: Exchange): Promise<SseStream> {
  const life = new AbortController();
  const giveUp = (): void => life.abort(x.signal.reason);
  x.signal.addEventListener('abort', giveUp, { once: true });
  try {
    const { events, to, first } = await firstEvent(at, x, life.signal);
    const stream = { at, events, to, endpoint: endpointOf(first.data, at), life };
    return { channel: (hooks) => createChannel(stream, hooks), discard: () => life.abort() };
  } catch (error) {
    life.abort();
    throw x.signal.aborted ? x.signal.reason : error;
  } finally {
    x.signal.removeEventListener('abort', giveUp);
  }
}

async function firstEvent(at: SseOpening, x: Exchange, signal: AbortSignal) {
  const headers = { ...headWithoutBody(at.head, x), accept: 'text/event-stream' };
  const { transport, url } = at.head;
  const answer = await sendOut(x, { transport, method: 'GET', url, headers, body: '' }, (outbound) =>
    at.client.send(outbound, signal),
  );
  if (answer.status !== 200 || mediaType(answer) !== 'text/event-stream') throw await refused(answer, at);
  const to: Stream['to'] = {};
  const reading: Reading = { ...at.reading, long: (head) => to.hooks?.long(head) };
  const events = eventsOf(answer, sseReader(reading), reading, (sink) => to.hooks?.room(sink));
  const { done, value } = await events.next();
  if (done || value.event !== 'endpoint')
    throw new WrongEra('GET: the stream does not begin with `endpoint`');
  return { events, to, first: value };
}

async function refused(answer: HttpAnswer, { reading }: SseOpening): Promise<Error> {
  const { status } = answer;
  const outage = status === 401 || status === 403 || status === 429 || status >= 500;
  const redirect = status >= 300 && status <= 399;
  if (!outage && !redirect) {
    answer.discard();
    return new WrongEra(`GET: ${status === 200 ? mediaType(answer) || 'no content' : status}`);
  }
  const verdict = await statusFault(answer, reading, undefined);
  return verdict.kind === 'fault' ? verdict.error : unavailable(answer, reading.upstream);
}

/**
 * Where messages go. Not to another origin: they carry the credentials of this one.
 * @throws GatewayError
 */
function endpointOf(said: string, { name, head }: SseOpening): string {
  const wrong = (what: string): never => {
    throw new GatewayError('UPSTREAM_INVALID', `The upstream "${name}" ${what}.`, { upstream: name });
  };
  if (!URL.canParse(said, head.url)) return wrong('names an address for messages that is no URL');
  const endpoint = new URL(said, head.url);
  if (endpoint.origin !== new URL(head.url).origin)
    return wrong(`wants its messages at another origin (${endpoint.protocol}//${endpoint.host})`);
  if (endpoint.username !== '' || endpoint.password !== '')
    return wrong('names an address for messages with a user name or password');
  endpoint.hash = '';
  return endpoint.href;
}

function createChannel({ at, events, endpoint, life, to }: Stream, hooks: ChannelHooks): Channel {
  to.hooks = hooks;
  const sending = new Set<Promise<unknown>>();
  const over = read(events, hooks).then(({ why, fault }) => {
    if (life.signal.aborted) hooks.gone(CLOSED);
    else hooks.gone(why, fault);
    life.abort();
  });
  return {
    what: 'its event stream',
    outbound: (body, x, version = at.head.version) => ({
      transport: at.head.transport,
      method: 'POST',
      url: endpoint,
      headers: headOf({ ...at.head, version }, x),
      body,
    }),
    async send(outbound) {
      if (life.signal.aborted) throw new Unwritten('its event stream is over');
      const sent = at.client.send(outbound, life.signal);
      sending.add(sent);
      const answer = await sent.finally(() => sending.delete(sent));
      if (answer.status >= 200 && answer.status <= 299) return answer.discard();
      throw await unsent(answer, at, life);
    },
    async close() {
      // The session ends with the stream, and with it whoever could take what is on its way, a cancellation say.
      const isTaken = await settledWithin(Promise.allSettled(sending), at.timeouts.close);
      if (!isTaken) at.host.metrics.timeouts.inc({ kind: 'close', upstream: at.name });
      life.abort();
      await over;
    },
  };
}

/** @returns why it ended, and what its calls end with where the server did what it must not do */
async function read(
  events: AsyncGenerator<SseEvent>,
  hooks: ChannelHooks,
): Promise<{ why: string; fault?: GatewayError }> {
  try {
    for await (const { data, event = 'message' } of events)
      if (event === 'message' && data !== '') hooks.text(data);
    return { why: 'ended' };
  } catch (error) {
    const why = `broke: ${messageOf(error)}`;
    const isInvalid = error instanceof GatewayError && error.code === 'UPSTREAM_INVALID';
    return isInvalid ? { why, fault: error } : { why };
  }
}

/** A message that was turned away. The session lives with the stream: one that is unknown has no stream either. */
async function unsent(
  answer: HttpAnswer,
  { name, reading }: SseOpening,
  life: AbortController,
): Promise<Error> {
  const { status } = answer;
  const verdict = await statusFault(answer, reading, undefined);
  if (status === 404 || status === 410) {
    // The call that was turned away is told so before the end of the stream is the end of all calls on it.
    setImmediate(() => life.abort());
    return new Unwritten(`it does not know the session any more (${status})`);
  }
  if (verdict.kind === 'fault') return verdict.error;
  const said = verdict.message.kind === 'error' ? verdict.message.error.string('message') : undefined;
  return new GatewayError(
    'UPSTREAM_INVALID',
    `The upstream "${name}" refused a message (${status}: ${said ?? 'no reason'}).`,
    { upstream: name },
  );
}
