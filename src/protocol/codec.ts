// What each era's wire needs added or taken away, on either side of the core. Data in, data out.

import { TASKS, withoutExtension } from './extensions.ts';
import { joinItems, rawItems } from './items.ts';
import { McpResult, META, withMeta } from './message.ts';
import { methodRow } from './methods.ts';
import { RawJson, RawObject } from './raw.ts';
import { objectsOnly } from './structured.ts';
import { knowsUrlMode, STATELESS } from './versions.ts';

/** Who a request speaks for, as the wire wants it told. */
export interface Speaker {
  /** The revision it speaks itself. */
  readonly version: string;
  readonly info: RawObject | undefined;
  readonly capabilities: RawObject;
  readonly logLevel: string | undefined;
}

const json = (text: string): RawJson => new RawJson(text);

/** Request parameters for a 2026-07-28 upstream: the envelope of basic §_meta, our progress token. */
export function statelessParams(
  params: RawObject | undefined,
  speaker: Speaker,
  token: string | undefined,
): RawObject {
  const meta = params?.object('_meta');
  const own = meta?.has(META.protocolVersion) ?? false;
  const changes = own
    ? { [META.progressToken]: token === undefined ? undefined : json(token) }
    : {
        [META.protocolVersion]: STATELESS,
        [META.clientInfo]: speaker.info,
        [META.clientCapabilities]: statelessCapabilities(speaker),
        [META.logLevel]: speaker.logLevel,
        [META.progressToken]: token === undefined ? undefined : json(token),
      };
  return withMeta(params, changes) ?? RawObject.trusted('{}');
}

/** Initialize-era client capabilities as a 2026-07-28 request declares them: a session has no form for its tasks. */
export function statelessCapabilities({ capabilities, version }: Speaker): RawObject {
  const roots = capabilities.object('roots');
  const elicitation = capabilities.object('elicitation');
  const tooNew = elicitation?.has('url') && !knowsUrlMode(version);
  return withoutExtension(capabilities, TASKS).with({
    tasks: undefined,
    ...(tooNew ? { elicitation: elicitation?.with({ url: undefined }) } : {}),
    ...(roots?.has('listChanged') ? { roots: roots.with({ listChanged: undefined }) } : {}),
  });
}

/** Request parameters for an initialize-era upstream: without the 2026-07-28 envelope. */
export function sessionParams(
  params: RawObject | undefined,
  token: string | undefined,
): RawObject | undefined {
  return withMeta(params, {
    [META.protocolVersion]: undefined,
    [META.clientInfo]: undefined,
    [META.clientCapabilities]: undefined,
    [META.logLevel]: undefined,
    [META.progressToken]: token === undefined ? undefined : json(token),
  });
}

/**
 * A result object of a 2026-07-28 upstream. `resultType` absent means complete (basic §ResultType); a value
 * nobody negotiated makes it invalid.
 * @param tasks whether the client takes a task in place of its result
 * @returns undefined when the result is invalid
 */
export function statelessResult(method: string, raw: RawObject, tasks: boolean): McpResult | undefined {
  const type = raw.has('resultType') ? raw.string('resultType') : 'complete';
  if (type === 'complete') return asSaid('complete', raw);
  if (type === 'input_required') {
    if (!methodRow(method)?.asks) return undefined;
    if (!raw.has('requestState') && !raw.has('inputRequests')) return undefined;
    return asSaid('input_required', raw);
  }
  const isTask = type === 'task' && methodRow(method)?.tasks === true && raw.string('taskId') !== undefined;
  return isTask && tasks ? asSaid('complete', raw) : undefined;
}

/** Its server has named itself in it, or has not: nobody else is named there. */
function asSaid(kind: McpResult['kind'], raw: RawObject): McpResult {
  return new McpResult(kind, raw, undefined, undefined, true);
}

/** A result for a 2026-07-28 client: resultType always, ttlMs and cacheScope where they are required. */
export function forStatelessClient(method: string, result: McpResult): McpResult {
  if (result.kind === 'error') return errorForStateless(method, result);
  const { raw } = result;
  const needsCache = result.kind === 'complete' && methodRow(method)?.cacheable;
  return result.with({
    ...withoutSessionTasks(method, raw),
    ...(raw.has('resultType') ? {} : { resultType: result.kind }),
    ...(needsCache && !raw.has('ttlMs') ? { ttlMs: 0 } : {}),
    ...(needsCache && !raw.has('cacheScope') ? { cacheScope: 'private' } : {}),
  });
}

/** The tasks of 2025-11-25 are none of 2026-07-28: neither their capability nor what tools say of them. */
function withoutSessionTasks(method: string, raw: RawObject) {
  if (method === 'server/discover')
    return { capabilities: raw.object('capabilities')?.with({ tasks: undefined }) };
  const tools = method === 'tools/list' ? raw.raw('tools') : undefined;
  if (!tools?.includes('"execution"')) return {};
  return { tools: joinItems(rawItems(tools).map((tool) => tool.with({ execution: undefined }))) };
}

/** A result for an initialize-era client: what only 2026-07-28 knows is taken out, if it came from there. */
export function forSessionClient(method: string, result: McpResult): McpResult {
  if (result.kind === 'error') return isOwn(result) ? errorForSession(method, result) : result;
  const plain = result.raw.has('resultType')
    ? result.with({ resultType: undefined, ttlMs: undefined, cacheScope: undefined })
    : result;
  return objectsOnly(method, plain);
}

/** "Resource not found" has a code of its own in the initialize era only (2026-07-28 basic §Error Codes). */
const RESOURCE_MISSING = -32002;
const PARAMS_INVALID = -32602;

function errorForStateless(method: string, result: McpResult): McpResult {
  if (method !== 'resources/read' || result.code !== RESOURCE_MISSING) return result;
  return result.with({ code: PARAMS_INVALID });
}

/** An error of this gateway names itself. A server's reaches a client of its own era as it came. */
function isOwn({ raw }: McpResult): boolean {
  return raw.object('data')?.string('code') === 'PARAMS_INVALID';
}

/** An error of a 2026-07-28 server, or of ours, for an initialize-era client. */
export function errorForSession(method: string, result: McpResult): McpResult {
  if (method !== 'resources/read' || result.code !== PARAMS_INVALID) return result;
  return result.raw.object('data')?.has('uri') ? result.with({ code: RESOURCE_MISSING }) : result;
}
