// Which era an HTTP message is of, decided by its body first (2026-07-28 versioning §Backward compatibility),
// and whether a message of the stateless era carries what it must. Pure: no transport, no state.

import { checkStandardHeaders, type GetHeader } from './headers.ts';
import type { Message } from './jsonrpc.ts';
import { type Era, META } from './message.ts';
import { INITIALIZE_ERA_ONLY } from './methods.ts';
import type { RawObject } from './raw.ts';
import { ALL_VERSIONS, isStatelessVersion, STATELESS } from './versions.ts';

/** A refusal by the name of its error in the catalogue. */
export interface Refusal {
  readonly code:
    | 'META_INVALID'
    | 'HEADER_MISMATCH'
    | 'VERSION_UNSUPPORTED'
    | 'METHOD_UNKNOWN'
    | 'INVALID_REQUEST';
  readonly detail: string;
  readonly data?: { readonly supported: readonly string[]; readonly requested: string };
}

const LEVELS: ReadonlySet<string> = new Set([
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
]);

export function isLogLevel(level: string): boolean {
  return LEVELS.has(level);
}

/** Whether the message claims the stateless era in its body. */
export function claimsStateless(message: Message): boolean {
  return metaOf(message)?.has(META.protocolVersion) ?? false;
}

/** The era of one posted message. A header alone never makes a message stateless that the body does not. */
export function eraOfPost(message: Message, versionHeader: string | null): Era | Refusal {
  if (claimsStateless(message)) return '2026';
  if (versionHeader === null || !isStatelessVersion(versionHeader.trim())) return '2025';
  if (message.kind === 'notification') return '2026';
  if (message.kind !== 'request') return '2025';
  const detail = `MCP-Protocol-Version says ${versionHeader}, but params._meta names no protocol version.`;
  return { code: message.method === 'initialize' ? 'HEADER_MISMATCH' : 'META_INVALID', detail };
}

/**
 * Checks what every stateless request carries, in the order of the ladder that clients expect.
 * @param get a header by name; undefined on stdio, where nothing is mirrored
 */
export function checkStateless(
  message: Extract<Message, { kind: 'request' }>,
  get: GetHeader | undefined,
): Refusal | undefined {
  const meta = metaOf(message);
  const version = meta?.string(META.protocolVersion);
  return (
    (get && checkVersionHeader(version, get('MCP-Protocol-Version'))) ??
    checkVersion(version) ??
    checkEnvelope(meta) ??
    (get && checkMirrors(message, get)) ??
    checkMethod(message.method)
  );
}

function checkVersionHeader(version: string | undefined, header: string | null): Refusal | undefined {
  if (header === null) return mismatch('the MCP-Protocol-Version header is missing');
  if (version !== undefined && header.trim() !== version) {
    return mismatch(`MCP-Protocol-Version says ${header}, params._meta says ${version}`);
  }
  return undefined;
}

function checkVersion(version: string | undefined): Refusal | undefined {
  if (version === undefined) return invalid(`params._meta["${META.protocolVersion}"] must be a string`);
  if (version === STATELESS) return undefined;
  return {
    code: 'VERSION_UNSUPPORTED',
    detail: `Protocol revision ${version} is not spoken here as a stateless one.`,
    data: { supported: ALL_VERSIONS, requested: version },
  };
}

function checkEnvelope(meta: RawObject | undefined): Refusal | undefined {
  if (meta?.object(META.clientCapabilities) === undefined) {
    return invalid(`params._meta["${META.clientCapabilities}"] must be an object`);
  }
  if (meta.has(META.clientInfo) && meta.object(META.clientInfo) === undefined) {
    return invalid(`params._meta["${META.clientInfo}"] must be an object`);
  }
  const level = meta.has(META.logLevel) ? meta.string(META.logLevel) : 'info';
  return level === undefined || !isLogLevel(level)
    ? invalid(`params._meta["${META.logLevel}"] must be one of ${[...LEVELS].join(', ')}`)
    : undefined;
}

function checkMirrors(message: Extract<Message, { kind: 'request' }>, get: GetHeader): Refusal | undefined {
  const reason = checkStandardHeaders(get, message.method, message.params);
  return reason === undefined ? undefined : mismatch(reason);
}

function checkMethod(method: string): Refusal | undefined {
  if (!INITIALIZE_ERA_ONLY.has(method)) return undefined;
  return { code: 'METHOD_UNKNOWN', detail: `${method} does not exist in revision ${STATELESS}.` };
}

const mismatch = (reason: string): Refusal => ({
  code: 'HEADER_MISMATCH',
  detail: `Header mismatch: ${reason}.`,
});
const invalid = (reason: string): Refusal => ({ code: 'META_INVALID', detail: `Invalid params: ${reason}.` });

function metaOf(message: Message): RawObject | undefined {
  return message.kind === 'request' || message.kind === 'notification'
    ? message.params?.object('_meta')
    : undefined;
}
