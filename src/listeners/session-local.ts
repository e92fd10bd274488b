// Requests of an initialize-era client that concern its session alone and are answered here.

import { errorResult } from '../core/errors.ts';
import { isLogLevel } from '../protocol/classify.ts';
import type { Message } from '../protocol/jsonrpc.ts';
import { McpResult } from '../protocol/message.ts';
import { STATELESS_ERA_ONLY } from '../protocol/methods.ts';
import type { Serving } from './serving.ts';
import type { Session } from './session.ts';
import { subscriptionsFull } from './wanted.ts';

const EMPTY = McpResult.complete({});
/** Characters. A session holds as many as limits.subscriptions, so each has an end. */
const LONGEST_URI = 8_192;

/** @returns the answer, or undefined for what goes through the pipeline */
export async function localAnswer(
  { method, params }: Extract<Message, { kind: 'request' }>,
  session: Session,
  serving: Pick<Serving, 'host' | 'limits'>,
): Promise<McpResult | undefined> {
  if (method === 'ping') return EMPTY;
  if (STATELESS_ERA_ONLY.has(method))
    return errorResult('METHOD_UNKNOWN', `${method} does not exist in this session's revision.`);
  if (method === 'logging/setLevel') return setLevel(params?.string('level'), session);
  if (method === 'resources/subscribe') return subscribe(params?.string('uri'), session, serving);
  if (method === 'resources/unsubscribe') return unsubscribe(params?.string('uri'), session);
  return undefined;
}

async function setLevel(level: string | undefined, session: Session): Promise<McpResult> {
  if (level === undefined || !isLogLevel(level))
    return errorResult('PARAMS_INVALID', 'params.level is not a log level.');
  await session.setLevel(level);
  return EMPTY;
}

async function subscribe(
  uri: string | undefined,
  session: Session,
  { host, limits }: Pick<Serving, 'host' | 'limits'>,
): Promise<McpResult> {
  if (uri === undefined) return errorResult('PARAMS_INVALID', 'params.uri is missing.');
  if (uri.length > LONGEST_URI) return errorResult('PARAMS_INVALID', 'params.uri is too long to be watched.');
  const { standing } = session;
  if (!standing.has(uri) && standing.size >= limits().subscriptions) return subscriptionsFull(host);
  if (await session.watch(uri)) return EMPTY;
  return errorResult('PARAMS_INVALID', `The resource cannot be subscribed to: ${uri}`, { uri });
}

async function unsubscribe(uri: string | undefined, session: Session): Promise<McpResult> {
  if (uri === undefined) return errorResult('PARAMS_INVALID', 'params.uri is missing.');
  await session.unwatch(uri);
  return EMPTY;
}
