// Requests of an initialize-era client that concern its session alone and are answered here.

import { errorResult } from '../core/errors.ts';
import { isLogLevel } from '../protocol/classify.ts';
import type { Message } from '../protocol/jsonrpc.ts';
import { McpResult } from '../protocol/message.ts';
import { STATELESS_ERA_ONLY } from '../protocol/methods.ts';
import type { Session } from './session.ts';

const EMPTY = McpResult.complete({});

/** @returns the answer, or undefined for what goes through the pipeline */
export async function localAnswer(
  { method, params }: Extract<Message, { kind: 'request' }>,
  session: Session,
): Promise<McpResult | undefined> {
  if (method === 'ping') return EMPTY;
  if (STATELESS_ERA_ONLY.has(method))
    return errorResult('METHOD_UNKNOWN', `${method} does not exist in this session's revision.`);
  if (method === 'logging/setLevel') return setLevel(params?.string('level'), session);
  if (method === 'resources/subscribe') return subscribe(params?.string('uri'), session);
  if (method === 'resources/unsubscribe') return unsubscribe(params?.string('uri'), session);
  return undefined;
}

function setLevel(level: string | undefined, session: Session): McpResult {
  if (level === undefined || !isLogLevel(level))
    return errorResult('PARAMS_INVALID', 'params.level is not a log level.');
  session.logLevel = level;
  session.standing.renew();
  return EMPTY;
}

async function subscribe(uri: string | undefined, session: Session): Promise<McpResult> {
  if (uri === undefined) return errorResult('PARAMS_INVALID', 'params.uri is missing.');
  if (await session.standing.subscribe(uri)) return EMPTY;
  return errorResult('PARAMS_INVALID', `The resource cannot be subscribed to: ${uri}`, { uri });
}

async function unsubscribe(uri: string | undefined, session: Session): Promise<McpResult> {
  if (uri === undefined) return errorResult('PARAMS_INVALID', 'params.uri is missing.');
  await session.standing.unsubscribe(uri);
  return EMPTY;
}
