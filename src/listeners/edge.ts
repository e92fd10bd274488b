// What every listener does with a message at the door: meta members read, ids made, results made wire text.

import type { Client } from '../core/client.ts';
import { catalogue, type ErrorName, errorResult } from '../core/errors.ts';
import { forSessionClient, forStatelessClient } from '../protocol/codec.ts';
import { errorText, type RawId, resultText } from '../protocol/jsonrpc.ts';
import { McpRequest, type McpResult, META, signedBy } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import { type AnswerText, longAnswer } from './long-answer.ts';

/** @param level the session's log level; a stateless request brings its own */
export function requestOf(
  method: string,
  params: RawObject | undefined,
  level: string | undefined,
): McpRequest {
  const meta = params?.object('_meta');
  return new McpRequest(method, params, {
    progressToken: meta?.raw(META.progressToken),
    logLevel: level ?? meta?.string(META.logLevel),
  });
}

/**
 * The response to a request, in the client's era: as text, or as it comes.
 * @param gateway its Implementation object: who made what no server has
 */
export function answerOf(request: Asked, result: McpResult, client: Client, gateway: RawObject): AnswerText {
  if (!result.rest) return answerText(request, result, client, gateway);
  const textOf = (other: McpResult): string => answerText(request, other, client, gateway);
  const told = inEra(request.method, result, client, gateway);
  return told.rest ? longAnswer(request.id.text, told, told.rest, textOf) : textOf(told);
}

/** What an answer has to know of its request. */
interface Asked {
  readonly id: RawId;
  readonly method: string;
}

/** The response text of a result that is whole. */
export function answerText(
  { id, method }: Asked,
  result: McpResult,
  client: Client,
  gateway: RawObject,
): string {
  const told = inEra(method, result, client, gateway);
  return told.kind === 'error' ? errorText(id.text, told.raw) : resultText(id.text, told.raw);
}

function inEra(method: string, result: McpResult, client: Client, gateway: RawObject): McpResult {
  return client.era === '2026'
    ? forStatelessClient(method, signedBy(result, gateway))
    : forSessionClient(method, result);
}

/** Statuses that a stateless client gets by JSON-RPC error code alone (2026-07-28 streamable-http). */
const STATUS_BY_CODE: Readonly<Record<number, number>> = { [-32601]: 404, [-32021]: 400 };

/**
 * The HTTP status of an answer of which no byte is out. Initialize-era clients read errors in the body, except
 * where a plugin refused the call as such.
 */
export function statusOf(result: McpResult, client: Client): number {
  if (result.kind !== 'error') return 200;
  const denied = result.http === 401 || result.http === 403 || result.http === 429 || result.http === 503;
  if (denied) return result.http ?? 200;
  const name = result.raw.object('data')?.string('code');
  // The one status on which a client begins anew (2025-11-25 basic/transports §Session Management).
  if (name === 'SESSION_UNKNOWN' && result.http === 404) return 404;
  if (client.era === '2025') return 200;
  return result.http ?? STATUS_BY_CODE[result.code ?? 0] ?? 200;
}

/**
 * An error answer before there is an exchange.
 * @param id null and undefined: none could be read. The initialize era writes null for it (JSON-RPC 2.0), since
 *   2026-07-28 the member is left out.
 */
export function refusalResponse(
  code: ErrorName,
  detail: string | undefined,
  id: RawId | null | undefined,
  headers: Readonly<Record<string, string>> = {},
  data: Parameters<typeof errorResult>[2] = {},
): Response {
  return new Response(refusalText(code, detail, id, data), {
    status: catalogue[code].http,
    headers: { 'content-type': 'application/json', ...errorResult(code, detail, data).headers, ...headers },
  });
}

export function refusalText(
  code: ErrorName,
  detail: string | undefined,
  id: RawId | null | undefined,
  data: Parameters<typeof errorResult>[2] = {},
): string {
  const { raw } = errorResult(code, detail, data);
  // Where the protocol itself defines `data`, it carries just that.
  const error = code === 'VERSION_UNSUPPORTED' ? raw.with({ data }) : raw;
  return errorText(id === null ? null : id?.text, error);
}

/** The caller's own request id where it is harmless, else a new one. */
export function requestId(given: string | null): string {
  return given !== null && /^[A-Za-z0-9._:-]{1,128}$/.test(given) ? given : crypto.randomUUID();
}
