// Opens a link to an HTTP upstream, or to the embedded one, in a given era.

import { GatewayError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Outbound } from '../core/outbound.ts';
import { type Message, notificationText, requestText } from '../protocol/jsonrpc.ts';
import type { Era } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import { SseReader } from '../protocol/sse.ts';
import { INITIALIZE, STATELESS } from '../protocol/versions.ts';
import {
  discoverParams,
  helloOfDiscover,
  helloOfInitialize,
  initializeParams,
  offersStateless,
} from './hello.ts';
import type { HttpAnswer } from './http-client.ts';
import { type HeadOptions, headOf } from './http-head.ts';
import { HttpLink } from './http-link.ts';
import { type HttpOpening, inTime, type Openings } from './http-opening.ts';
import { mediaType, type Reading, readBody, readEvents, readText } from './http-read.ts';
import { HttpSender } from './http-sender.ts';
import { statusFault, unavailable } from './http-status.ts';
import type { Link, Profile } from './link.ts';
import { openSse } from './open-sse.ts';
import { sendOut } from './senders.ts';
import { ToolHeaders } from './tool-headers.ts';
import { OlderTransport, WrongEra } from './verdict.ts';

/**
 * @throws WrongEra when the server says it does not speak this era
 * @throws GatewayError when it cannot be reached or answers nonsense
 */
export async function openHttp(era: Era, at: HttpOpening, profile: Profile, to: Openings): Promise<Link> {
  const head = headFor(era, at, era === '2026' ? STATELESS : profile.version);
  if (era === '2026') return openStateless(at, head, to);
  const { choice } = at;
  if (choice.wanted === 'http') return openSession(at, head, profile, to);
  if (choice.wanted === 'sse' || choice.older) {
    const link = await openOlder(at, head, profile, to);
    if (link) return link;
  }
  return openSession(at, head, profile, to).catch(async (error: unknown) => {
    // First a POST, then a GET that says where to post (2026-07-28 streamable-http §HTTP+SSE Transport).
    const link = error instanceof OlderTransport ? await openOlder(at, head, profile, to) : undefined;
    if (link) return link;
    throw error;
  });
}

function headFor(era: Era, at: HttpOpening, version: string): HeadOptions {
  const { transport, url, headers, userAgent } = at;
  return { transport, era, url, version, session: undefined, headers, userAgent };
}

/**
 * Whether a server of the era without sessions speaks; nothing comes of it.
 * @throws as `openHttp` does
 */
export function asksDiscover(at: HttpOpening): Promise<unknown> {
  const x = at.own('server/discover', discoverParams(at.gateway), at.signal);
  return ask(at, headFor('2026', at, STATELESS), x);
}

/** @returns undefined when it is not that transport, and another may be tried */
async function openOlder(
  at: HttpOpening,
  head: HeadOptions,
  profile: Profile,
  to: Openings,
): Promise<Link | undefined> {
  try {
    const link = await openSse(at, { ...head, version: INITIALIZE[0] }, profile, to);
    at.choice.older = true;
    return link;
  } catch (error) {
    if (!(error instanceof WrongEra) || at.choice.wanted === 'sse') throw error;
    at.choice.older = false;
    return undefined;
  }
}

async function openStateless(at: HttpOpening, head: HeadOptions, to: Openings): Promise<HttpLink> {
  const discover = (): ReturnType<typeof ask> =>
    inTime(at, (signal) => ask(at, head, at.own('server/discover', discoverParams(at.gateway), signal)));
  // One that refuses our revision may name it among those it takes: then it is asked once more.
  const { result } = await discover().catch((error: unknown) => {
    if (error instanceof WrongEra && takesStateless(error.said)) return discover();
    throw error;
  });
  if (!offersStateless(result)) throw new WrongEra('server/discover does not offer it');
  return new HttpLink({
    name: at.name,
    era: '2026',
    hello: helloOfDiscover(result),
    client: at.client,
    head,
    limits: at.limits,
    timeouts: at.timeouts,
    toolHeaders: new ToolHeaders(at.timeouts.start, at.limits, at.host),
    host: at.host,
    own: at.own,
    reconnects: at.reconnects,
    ...to,
  });
}

async function openSession(
  at: HttpOpening,
  head: HeadOptions,
  profile: Profile,
  to: Openings,
): Promise<HttpLink> {
  let session: HeadOptions = { ...head, version: INITIALIZE[0] };
  const heard = (answer: HttpAnswer): void => {
    session = { ...session, session: answer.header('mcp-session-id') };
  };
  const { name, client, limits, timeouts, host, own } = at;
  try {
    const { result } = await inTime(at, (signal) =>
      ask(at, session, own('initialize', initializeParams(profile, at.gateway), signal), heard),
    );
    const hello = helloOfInitialize(result);
    session = { ...session, version: hello.version };
    const initialized = await inTime(at, (signal) => {
      const x = own('notifications/initialized', undefined, signal);
      return post(at, session, x, notificationText(x.request.method));
    });
    initialized.discard();
    return new HttpLink({
      name,
      era: '2025',
      hello,
      client,
      head: session,
      limits,
      timeouts,
      host,
      own,
      reconnects: at.reconnects,
      ...to,
    });
  } catch (error) {
    // The server has a session by then that nobody will use.
    await new HttpSender({ name, client, head: session, timeouts, host, own }).end();
    throw error;
  }
}

async function post(at: HttpOpening, head: HeadOptions, x: Exchange, body: string): Promise<HttpAnswer> {
  const { transport, url } = at;
  const outbound: Outbound = { transport, method: 'POST', url, headers: headOf(head, x), body };
  return sendOut(x, outbound, (last) => at.client.send(last, x.signal));
}

/** One request before there is a link, to its result. @throws WrongEra when it is refused */
async function ask(at: HttpOpening, head: HeadOptions, x: Exchange, heard?: (answer: HttpAnswer) => void) {
  const answer = await post(at, head, x, requestText('0', x.request.method, x.request.raw));
  let found: Message | undefined;
  const reading: Reading = {
    upstream: at.name,
    limits: at.limits,
    host: at.host,
    message(message) {
      if (message.kind === 'result' || message.kind === 'error') found ??= message;
      return undefined;
    },
    garbage() {},
  };
  if (answer.status < 200 || answer.status > 299) throw await refusal(answer, reading, x.request.method);
  heard?.(answer);
  if (mediaType(answer) === 'text/event-stream') {
    await readEvents(
      answer,
      new SseReader({ eventBytes: at.limits.event }),
      reading,
      () => found !== undefined,
    );
  } else if (mediaType(answer) === 'application/json')
    await readText(await readBody(answer, reading), reading);
  else answer.discard();
  if (!found)
    throw new GatewayError(
      'UPSTREAM_INVALID',
      `The upstream "${at.name}" does not answer as an MCP server (${answer.status}, ${mediaType(answer) || 'no content'}).`,
      { upstream: at.name },
    );
  if (found.kind !== 'result') throw new WrongEra(refusalText(x.request.method, found), saidBy(found));
  return { result: found.result };
}

/** Of refusals only these say something of the era: 401, 403, 429, 5xx and 3xx do not (2026-07-28 versioning §Backward). */
async function refusal(answer: HttpAnswer, reading: Reading, method: string): Promise<Error> {
  const { status } = answer;
  const verdict = await statusFault(answer, reading, undefined);
  const says = status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status);
  if (!says) return verdict.kind === 'fault' ? verdict.error : unavailable(answer, reading.upstream);
  const message = verdict.kind === 'message' ? verdict.message : undefined;
  const text = message ? refusalText(method, message) : String(status);
  const said = saidBy(message);
  const older = [400, 404, 405].includes(status) && !MODERN.has(said?.get('code'));
  return older ? new OlderTransport(text, said) : new WrongEra(text, said);
}

/** Codes with which a server of Streamable HTTP says that it is one: method, headers, capability, version. */
const MODERN: ReadonlySet<unknown> = new Set([-32601, -32020, -32021, -32022]);

function refusalText(method: string, message: Message): string {
  return `${method}: ${saidBy(message)?.string('message') || 'no result'}`;
}

function saidBy(message: Message | undefined): RawObject | undefined {
  return message?.kind === 'error' ? message.error : undefined;
}

/** Whether an error is about revisions and names ours among those that are taken (2026-07-28 versioning). */
function takesStateless(error: RawObject | undefined): boolean {
  const supported = error?.get('code') === -32022 ? error.object('data')?.get('supported') : undefined;
  return Array.isArray(supported) && supported.includes(STATELESS);
}
