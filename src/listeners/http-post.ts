// A POST: its body, whole, and which half of the listener it is for.

import { catalogue, type ErrorName } from '../core/errors.ts';
import { countLimit } from '../core/limit-hit.ts';
import { eraOfPost } from '../protocol/classify.ts';
import { isBatch, type Message, MessageError, parseMessage, type RawId } from '../protocol/jsonrpc.ts';
import { isStatelessVersion } from '../protocol/versions.ts';
import { BARE } from './admit.ts';
import { NO_BATCH } from './batch.ts';
import { atTheDoor } from './door.ts';
import { postBatch } from './http-batch.ts';
import { readBody } from './http-body.ts';
import { accepts, type HttpCall } from './http-request.ts';
import { postInSession } from './http-session.ts';
import { postStateless } from './http-stateless.ts';

/** @param given the id of the refused request, where it could be read */
export type Refuse = (code: ErrorName, detail?: string, given?: RawId) => Response;

/** A byte order mark, which RFC 8259 §8.1 lets readers pass over. */
const MARK = '\ufeff';

/** The text of a JSON body, or the refusal. */
export async function jsonBody(
  { request, serving, inbound, took }: HttpCall,
  refuse: Refuse,
): Promise<string | Response> {
  const limits = serving.limits();
  const wrong = unreadable(request.headers);
  if (wrong !== undefined) return refuse('MEDIA_TYPE', wrong || undefined);
  const body = await readBody(request, limits);
  if (typeof body === 'string') {
    took(body);
    return body.startsWith(MARK) ? body.slice(MARK.length) : body;
  }
  const { limitHits, timeouts } = serving.host.metrics;
  switch (body.fault) {
    case 'PARSE':
      return refuse('PARSE', 'The body is not UTF-8, or did not arrive whole.');
    case 'TOO_LARGE':
      limitHits.inc({ limit: 'body' });
      return refuse('TOO_LARGE');
    case 'BODY_TIMEOUT':
      limitHits.inc({ limit: body.slow });
      timeouts.inc({ kind: body.slow, listener: inbound.listener });
      return refuse('BODY_TIMEOUT', `The body did not arrive fast enough for limits.${body.slow}.`);
  }
}

/** Of what a client wrote and an error repeats, characters. */
const LONGEST = 64;

/** @returns what keeps a body with these headers from being read; '' where the title of the error says it */
function unreadable(headers: Headers): string | undefined {
  const [type, ...parameters] = (headers.get('content-type') ?? '').toLowerCase().split(';');
  if (type?.trim() !== 'application/json') return '';
  const charset = parameters
    .map((each) => /^\s*charset\s*=\s*"?([^"]*)"?\s*$/.exec(each)?.[1]?.trim())
    .find((each) => each !== undefined);
  if (charset !== undefined && !/^utf-?8$/.test(charset))
    return `The body is declared as ${charset.slice(0, LONGEST)} (charset of Content-Type); JSON is UTF-8.`;
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity')
    return `The body is encoded as ${encoding.slice(0, LONGEST)} (Content-Encoding); send it as it is.`;
  return undefined;
}

export async function post(call: HttpCall, refuse: Refuse): Promise<Response> {
  const { headers } = call.request;
  const body = await jsonBody(call, refuse);
  if (body instanceof Response) return body;
  if (isBatch(body)) {
    const stranger = await atTheDoor(call, BARE.POST);
    if (stranger instanceof Response) return stranger;
    const isStateless = isStatelessVersion(headers.get('mcp-protocol-version')?.trim() ?? '');
    return isStateless ? refuse('INVALID_REQUEST', NO_BATCH) : postBatch(body, call);
  }
  let message: Message;
  try {
    message = parseMessage(body, call.serving.limits().json);
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    countLimit(error, call.serving.host);
    return refuse(error.code === catalogue.PARSE.code ? 'PARSE' : 'INVALID_REQUEST', error.message, error.id);
  }
  const stranger = await atTheDoor(call, message);
  if (stranger instanceof Response) return stranger;
  const id = message.kind === 'request' ? message.id : undefined;
  const era = eraOfPost(message, headers.get('mcp-protocol-version'));
  if (typeof era === 'object') return refuse(era.code, era.detail, id);
  const { stream, json } = accepts(headers);
  const needsStream = message.kind === 'request' && message.method === 'subscriptions/listen';
  if (id && !stream && (needsStream || !json)) return refuse('NOT_ACCEPTABLE', undefined, id);
  return era === '2026' ? postStateless(message, call) : postInSession(message, call);
}
