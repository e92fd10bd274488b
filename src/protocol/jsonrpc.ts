// JSON-RPC 2.0 as MCP uses it: one text is one request, notification, result or error, or is refused.
// Reads and writes envelopes; knows no method and no revision.

import { locateMembers, scanDocument } from './document.ts';
import { caseFoldTwin, JsonError, type JsonLimits, RawObject } from './raw.ts';
import { MAX_ID, type RawId, readId } from './rpc-id.ts';
import { OPEN_ARRAY, skipSpace } from './scan.ts';

export { type RawId, rawId, readId } from './rpc-id.ts';

/** One JSON-RPC message; `raw` is the whole of it. */
export type Message =
  | { kind: 'request'; id: RawId; method: string; params: RawObject | undefined; raw: RawObject }
  | { kind: 'notification'; method: string; params: RawObject | undefined; raw: RawObject }
  | { kind: 'result'; id: RawId; result: RawObject; raw: RawObject }
  | { kind: 'error'; id: RawId | undefined; error: RawObject; raw: RawObject };

/** A text that is no JSON (-32700) or no message (-32600); `id` as far as it could be read. */
export class MessageError extends Error {
  override readonly name = 'MessageError';

  constructor(
    readonly code: -32700 | -32600,
    reason: string,
    readonly id: RawId | undefined = undefined,
    /** The one of `limits` that it is beyond, if that is what is wrong with it. */
    readonly limit: Limit | undefined = undefined,
  ) {
    super(reason);
  }
}

type Limit = keyof JsonLimits | 'batch' | 'upstream_batch';

const META_PREFIX = 'io.modelcontextprotocol/';
/** The members of a message that mean something. */
export const ENVELOPE: ReadonlySet<string> = new Set([
  'jsonrpc',
  'id',
  'method',
  'params',
  'result',
  'error',
]);
const PARAMS = new Set([
  '_meta',
  'name',
  'uri',
  'arguments',
  'cursor',
  'ref',
  'argument',
  'requestState',
  'inputResponses',
  'progressToken',
  'requestId',
  'level',
  'task',
  'taskId',
]);
const META = new Set([
  'progressToken',
  `${META_PREFIX}protocolVersion`,
  `${META_PREFIX}clientCapabilities`,
  `${META_PREFIX}clientInfo`,
  `${META_PREFIX}logLevel`,
  `${META_PREFIX}serverInfo`,
  `${META_PREFIX}subscriptionId`,
  `${META_PREFIX}related-task`,
  `${META_PREFIX}model-immediate-response`,
]);

/**
 * Reads one message strictly. Refused beside what JSON-RPC forbids: duplicate keys anywhere, keys that a
 * lenient decoder takes for a reserved one (`caseFoldTwin`), params that are no object, both or neither of
 * result and error, ids that are no string or integer.
 * @throws MessageError
 */
export function parseMessage(text: string, limits: JsonLimits): Message {
  const raw = readObject(text, limits);
  const idText = raw.raw('id');
  const id = idText === undefined ? undefined : readId(idText);
  const method = raw.string('method');
  refuse(caseFoldTwin(raw.keys(), ENVELOPE), id);
  if (raw.string('jsonrpc') !== '2.0') throw new MessageError(-32600, 'jsonrpc must be "2.0"', id);
  if (method === undefined) return readAnswer(raw, idText, id);
  if (raw.has('result') || raw.has('error')) {
    throw new MessageError(-32600, 'a message with a method must not have a result or an error', id);
  }
  const params = readParams(raw, id);
  if (idText === undefined) return { kind: 'notification', method, params, raw };
  if (id === undefined) throw badId();
  return { kind: 'request', id, method, params, raw };
}

function readAnswer(raw: RawObject, idText: string | undefined, id: RawId | undefined): Message {
  if (raw.has('method')) throw new MessageError(-32600, 'method must be a string', id);
  const hasResult = raw.has('result');
  if (hasResult === raw.has('error')) {
    throw new MessageError(-32600, 'expected exactly one of method, result and error', id);
  }
  const body = raw.object(hasResult ? 'result' : 'error');
  if (body === undefined) {
    throw new MessageError(-32600, `${hasResult ? 'result' : 'error'} must be an object`, id);
  }
  if (!hasResult && (idText === undefined || idText === 'null')) {
    return { kind: 'error', id: undefined, error: body, raw };
  }
  if (id === undefined) throw badId();
  return hasResult ? { kind: 'result', id, result: body, raw } : { kind: 'error', id, error: body, raw };
}

function readParams(raw: RawObject, id: RawId | undefined): RawObject | undefined {
  const params = raw.object('params');
  if (params === undefined) {
    if (raw.has('params')) throw new MessageError(-32600, 'params must be an object', id);
    return undefined;
  }
  refuse(caseFoldTwin(params.keys(), PARAMS), id);
  const meta = params.object('_meta');
  if (meta !== undefined) refuse(caseFoldTwin(meta.keys(), META), id);
  return params;
}

function refuse(twin: string | undefined, id: RawId | undefined): void {
  if (twin === undefined) return;
  const shown = JSON.stringify(twin.slice(0, 64));
  throw new MessageError(-32600, `the key ${shown} could be mistaken for a reserved one`, id);
}

function badId(): MessageError {
  return new MessageError(-32600, `id must be an integer or a string of at most ${MAX_ID} characters`);
}

function readObject(text: string, limits: JsonLimits): RawObject {
  try {
    return RawObject.parse(text, limits);
  } catch (error) {
    throw asMessageError(error, text);
  }
}

function asMessageError(error: unknown, text: string): unknown {
  if (!(error instanceof JsonError)) return error;
  if (error.kind === 'syntax') return new MessageError(-32700, error.message);
  return new MessageError(-32600, error.message, guessId(text), limitOf(error));
}

function limitOf({ kind }: JsonError): keyof JsonLimits | undefined {
  return kind === 'depth' || kind === 'keys' || kind === 'string' ? kind : undefined;
}

/** The id of a text that was refused halfway: read only when it is there once. */
function guessId(text: string): RawId | undefined {
  try {
    const [member, another] = locateMembers(text).filter((candidate) => candidate.key === 'id');
    return member !== undefined && another === undefined
      ? readId(text.slice(member.start, member.end))
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the text is a batch (2025-03-26 only), or would be if it were valid. */
export function isBatch(text: string): boolean {
  return text.charCodeAt(skipSpace(text, 0)) === OPEN_ARRAY;
}

/**
 * The texts of a batch's elements, of which each is still to be read by `parseMessage`.
 * @param max the most elements accepted
 * @throws MessageError -32700 for no JSON, -32600 for no array, none or too many elements, duplicate keys
 */
export function parseBatch(text: string, limits: JsonLimits, max: number): string[] {
  if (!isBatch(text)) throw new MessageError(-32600, 'expected a batch');
  const elements = readElements(text, limits);
  if (elements.length === 0) throw new MessageError(-32600, 'an empty batch');
  if (elements.length > max) throw new MessageError(-32600, `a batch of more than ${max} messages`);
  return elements;
}

function readElements(text: string, limits: JsonLimits): string[] {
  try {
    const members = scanDocument(text, { ...limits, depth: limits.depth + 1 });
    return members.map((member) => text.slice(member.start, member.end));
  } catch (error) {
    throw error instanceof JsonError && error.kind !== 'syntax'
      ? new MessageError(-32600, error.message, undefined, limitOf(error))
      : asMessageError(error, text);
  }
}

/** A request as text. @param id JSON text */
export function requestText(id: string, method: string, params?: RawObject): string {
  return `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}${paramsText(params)}}`;
}

export function notificationText(method: string, params?: RawObject): string {
  return `{"jsonrpc":"2.0","method":${JSON.stringify(method)}${paramsText(params)}}`;
}

function paramsText(params: RawObject | undefined): string {
  return params === undefined ? '' : `,"params":${params.text}`;
}

/** A result as text. @param id JSON text */
export function resultText(id: string, result: RawObject): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${result.text}}`;
}

/** An error as text. @param id JSON text; undefined leaves the member out, null writes `"id":null` */
export function errorText(id: string | undefined | null, error: RawObject): string {
  const member = id === undefined ? '' : `"id":${id},`;
  return `{"jsonrpc":"2.0",${member}"error":${error.text}}`;
}
