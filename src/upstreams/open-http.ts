// Opens a link to an HTTP upstream, or to the embedded one, in a given era.

import { GatewayError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { type Message, notificationText, requestText } from '../protocol/jsonrpc.ts';
import type { Era } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { SseReader } from '../protocol/sse.ts';
import { INITIALIZE, STATELESS } from '../protocol/versions.ts';
import type { Call, Question } from './call.ts';
import { discoverParams, helloOfDiscover, helloOfInitialize, initializeParams, offersStateless, UNSUPPORTED_VERSION } from './hello.ts';
import type { HttpAnswer, HttpClient } from './http-client.ts';
import { type HeadOptions, headOf } from './http-head.ts';
import { HttpLink } from './http-link.ts';
import { mediaType, type Reading, readBody, readEvents, readText } from './http-read.ts';
import { statusFault } from './http-status.ts';
import type { LinkEvents, Profile } from './link.ts';
import type { UpstreamLimits } from './spec.ts';
import { ToolHeaders } from './tool-headers.ts';
import { WrongEra } from './verdict.ts';

export interface HttpOpening {
  readonly name: string;
  readonly client: HttpClient;
  readonly transport: 'http' | 'builtin';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly limits: UpstreamLimits;
  readonly firstByte: number;
  readonly host: Host;
  readonly gateway: RawObject;
  readonly userAgent: string;
}

export interface Openings {
  readonly events: LinkEvents;
  question(question: Question, via: Call | undefined): void;
  withdrawn(questionKey: string): void;
}

/**
 * @throws WrongEra when the server says it does not speak this era
 * @throws GatewayError when it cannot be reached or answers nonsense
 */
export async function openHttp(era: Era, at: HttpOpening, profile: Profile, to: Openings): Promise<HttpLink> {
  const head: HeadOptions = {
    transport: at.transport,
    era,
    url: at.url,
    version: era === '2026' ? STATELESS : profile.version,
    session: undefined,
    headers: at.headers,
    userAgent: at.userAgent,
  };
  return era === '2026' ? openStateless(at, head, to) : openSession(at, head, profile, to);
}

async function openStateless(at: HttpOpening, head: HeadOptions, to: Openings): Promise<HttpLink> {
  const method = 'server/discover';
  const extra = { 'mcp-method': method };
  const { message } = await ask(at, head, requestText('0', method, discoverParams(at.gateway)), extra);
  if (message.kind !== 'result' || !offersStateless(message.result)) throw new WrongEra(method);
  return new HttpLink({
    name: at.name,
    era: '2026',
    hello: helloOfDiscover(message.result),
    client: at.client,
    head,
    limits: at.limits,
    toolHeaders: new ToolHeaders(),
    host: at.host,
    ...to,
  });
}

async function openSession(at: HttpOpening, head: HeadOptions, profile: Profile, to: Openings): Promise<HttpLink> {
  const first = { ...head, version: INITIALIZE[0] };
  const body = requestText('0', 'initialize', initializeParams(profile, at.gateway));
  const { message, answer } = await ask(at, first, body, {});
  if (message.kind !== 'result') throw new WrongEra('initialize');
  const hello = helloOfInitialize(at.name, message.result);
  const session: HeadOptions = { ...head, version: hello.version, session: answer.header('mcp-session-id') };
  const initialized = await post(at, session, notificationText('notifications/initialized'), {});
  initialized.discard();
  return new HttpLink({
    name: at.name,
    era: '2025',
    hello,
    client: at.client,
    head: session,
    limits: at.limits,
    host: at.host,
    ...to,
  });
}

function post(at: HttpOpening, head: HeadOptions, body: string, extra: Record<string, string>): Promise<HttpAnswer> {
  const outbound = { transport: at.transport, method: 'POST', url: at.url, headers: { ...headOf(head), ...extra }, body };
  return at.client.send(outbound, AbortSignal.timeout(at.firstByte));
}

/** One request outside of any exchange, to its response. */
async function ask(at: HttpOpening, head: HeadOptions, body: string, extra: Record<string, string>) {
  const answer = await post(at, head, body, extra);
  let found: Message | undefined;
  const reading: Reading = {
    upstream: at.name,
    limits: at.limits,
    message(message) {
      if (message.kind === 'result' || message.kind === 'error') found ??= message;
      return undefined;
    },
    garbage() {},
  };
  if (answer.status < 200 || answer.status > 299) return { answer, message: await refusal(answer, reading, head.era) };
  if (mediaType(answer) === 'text/event-stream') {
    await readEvents(answer, new SseReader({ eventBytes: at.limits.event }), reading, () => found !== undefined);
  } else if (mediaType(answer) === 'application/json') await readText(await readBody(answer, reading), reading);
  else answer.discard();
  if (!found) throw new GatewayError('UPSTREAM_INVALID', `The upstream "${at.name}" does not answer as an MCP server (${answer.status}, ${mediaType(answer) || 'no content'}).`, { upstream: at.name });
  return { answer, message: found };
}

/** 401, 403, 5xx and 3xx say nothing of the era; any other refusal does (2026-07-28 versioning §Backward). */
async function refusal(answer: HttpAnswer, reading: Reading, era: Era): Promise<Message> {
  const verdict = await statusFault(answer, reading, false);
  if (verdict.kind === 'message') {
    const { message } = verdict;
    if (era === '2026' && message.kind === 'error' && message.error.get('code') === UNSUPPORTED_VERSION) throw new WrongEra('version');
    return message;
  }
  if (answer.status >= 400 && answer.status < 500 && answer.status !== 401 && answer.status !== 403 && answer.status !== 429) {
    throw new WrongEra(String(answer.status));
  }
  throw verdict.error;
}
