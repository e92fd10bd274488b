// The two ways to open a conversation, whatever the transport: `initialize` and `server/discover`.

import { GatewayError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { hintsOf } from '../protocol/caching.ts';
import { META } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { INITIALIZE, isInitializeVersion, STATELESS } from '../protocol/versions.ts';
import type { Hello, Profile } from './link.ts';
import { WrongEra } from './verdict.ts';

/** Parameters of `initialize` for the client that the link will speak for. */
export function initializeParams(profile: Profile, gateway: RawObject): RawObject {
  const version = isInitializeVersion(profile.version) ? profile.version : INITIALIZE[0];
  return RawObject.of({ protocolVersion: version }).with({
    capabilities: profile.capabilities.with({ tasks: undefined, extensions: undefined }),
    clientInfo: profile.info ?? gateway,
  });
}

/** Parameters of `server/discover` (2026-07-28 server/discover). */
export function discoverParams(gateway: RawObject): RawObject {
  return RawObject.of({}).with({
    _meta: RawObject.of({ [META.protocolVersion]: STATELESS }).with({
      [META.clientInfo]: gateway,
      [META.clientCapabilities]: RawObject.of({}),
    }),
  });
}

/** @throws WrongEra when the server speaks no revision of the initialize era that we know */
export function helloOfInitialize(result: RawObject): Hello {
  const version = result.string('protocolVersion');
  if (version === undefined || !isInitializeVersion(version))
    throw new WrongEra(`initialize: revision ${version ?? '(none)'}`);
  return {
    version,
    capabilities: result.object('capabilities') ?? RawObject.of({}),
    info: result.object('serverInfo'),
    instructions: result.string('instructions'),
  };
}

export function helloOfDiscover(result: RawObject): Hello {
  return {
    version: STATELESS,
    capabilities: result.object('capabilities') ?? RawObject.of({}),
    info: result.object('_meta')?.object(META.serverInfo),
    instructions: result.string('instructions'),
    ttlMs: hintsOf(result).ttlMs,
  };
}

/** Whether a discover result offers the stateless revision. */
export function offersStateless(result: RawObject): boolean {
  const versions = result.get('supportedVersions');
  return Array.isArray(versions) && versions.includes(STATELESS);
}

/** The error for an upstream that did not answer in time when its link was new; counts it. */
export function startedLate(upstream: string, ms: number, { metrics }: Host): GatewayError {
  metrics.timeouts.inc({ kind: 'start', upstream });
  return new GatewayError(
    'UPSTREAM_TIMEOUT',
    `The upstream "${upstream}" did not answer within timeouts.start (${ms} ms).`,
    { upstream, timeout: 'start' },
  );
}
