// Requests of an initialize-era client that concern its session alone and are answered here.

import { type ErrorName, errorResult } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { isLogLevel } from '../protocol/classify.ts';
import type { Message } from '../protocol/jsonrpc.ts';
import { type McpRequest, McpResult } from '../protocol/message.ts';
import { STATELESS_ERA_ONLY } from '../protocol/methods.ts';
import type { JsonObject } from '../protocol/values.ts';
import { requestOf } from './edge.ts';
import type { Serving } from './serving.ts';
import type { Session } from './session.ts';
import { subscriptionsFull } from './wanted.ts';

const EMPTY = McpResult.complete({});
const HERE = new Set(['ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe']);

export interface Local {
  readonly session: Session;
  readonly host: Host;
  readonly limits: Serving['limits'];
  /** @returns why this request is refused, if it is: plugins have the first word */
  admit(request: McpRequest): Promise<McpResult | undefined>;
  /** Tells of a refusal. */
  refused(code: ErrorName, reason?: string): void;
}

/** @returns the answer, or undefined for what goes through the pipeline */
export async function localAnswer(
  { method, params }: Extract<Message, { kind: 'request' }>,
  local: Local,
): Promise<McpResult | undefined> {
  if (STATELESS_ERA_ONLY.has(method))
    return refuse('METHOD_UNKNOWN', `${method} does not exist in this session's revision.`, local);
  if (!HERE.has(method)) return undefined;
  const denied = await local.admit(requestOf(method, params, undefined));
  if (denied) return denied;
  if (method === 'logging/setLevel') return setLevel(params?.string('level'), local);
  if (method === 'resources/subscribe') return subscribe(params?.string('uri'), local);
  if (method === 'resources/unsubscribe') return unsubscribe(params?.string('uri'), local);
  return EMPTY;
}

function refuse(code: ErrorName, detail: string, local: Local, data: JsonObject = {}): McpResult {
  local.refused(code, detail);
  return errorResult(code, detail, data);
}

async function setLevel(level: string | undefined, local: Local): Promise<McpResult> {
  if (level === undefined || !isLogLevel(level))
    return refuse('PARAMS_INVALID', 'params.level is not a log level.', local);
  await local.session.setLevel(level);
  return EMPTY;
}

async function subscribe(uri: string | undefined, local: Local): Promise<McpResult> {
  if (uri === undefined) return refuse('PARAMS_INVALID', 'params.uri is missing.', local);
  const longest = local.limits().uri;
  if (uri.length > longest) {
    local.host.metrics.limitHits.inc({ limit: 'uri' });
    const why = `params.uri is longer than limits.uri allows (${longest} characters).`;
    return refuse('PARAMS_INVALID', why, local);
  }
  const { session, host, limits } = local;
  const { standing } = session;
  if (!standing.has(uri) && standing.size >= limits().subscriptions) {
    local.refused('SUBSCRIPTIONS_FULL');
    return subscriptionsFull(host);
  }
  if (await session.watch(uri)) return EMPTY;
  return refuse('PARAMS_INVALID', `The resource cannot be subscribed to: ${uri}`, local, { uri });
}

async function unsubscribe(uri: string | undefined, local: Local): Promise<McpResult> {
  if (uri === undefined) return refuse('PARAMS_INVALID', 'params.uri is missing.', local);
  await local.session.unwatch(uri);
  return EMPTY;
}
