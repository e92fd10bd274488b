// Who called, as the listener found out. One object per session of the initialize era, one per request since.

import type { Era } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { JsonObject } from '../protocol/values.ts';
import { knowsUrlMode } from '../protocol/versions.ts';
import type { CallerToken } from './exchange.ts';

/** An identity. `anonymous` until something establishes another. */
export interface Principal {
  readonly id: string;
  readonly tenant?: string;
  /**
   * Who vouches for the id, such as the issuer of its tokens: the same id of another is somebody else. Absent where the
   * configuration of the gateway does.
   */
  readonly issuer?: string;
  readonly scopes: readonly string[];
  readonly groups?: readonly string[];
  /** Until when that is proven, in milliseconds since the epoch; absent: as long as it calls. */
  readonly expires?: number;
  /** Aborts when what proved it is good for nothing any more, before that time. */
  readonly ends?: AbortSignal;
}

/** Who it is, without what it may do. */
export type Identity = Pick<Principal, 'id' | 'tenant' | 'issuer'>;

export const ANONYMOUS: Principal = { id: 'anonymous', scopes: [] };

/** The gateway itself, where it speaks to an upstream on nobody's behalf. Compare by identity: ids can be chosen. */
export const GATEWAY: Principal = { id: 'gateway', scopes: [] };

/**
 * The identity as one text, for maps and comparisons. Tenants and issuers may give the same id, which are different
 * identities.
 */
export function identityKey({ tenant = '', id, issuer }: Identity): string {
  return JSON.stringify(issuer === undefined ? [tenant, id] : [tenant, id, issuer]);
}

/** What a client answers to a question. */
export type Answer = { readonly result: RawObject } | { readonly error: RawObject };

/** The part of an initialize-era session that upstreams may hold on to. */
export interface ClientSession {
  /** Unique for the life of this process; never the wire's session id. */
  readonly key: string;
  /** Aborts when the session ends. */
  readonly ended: AbortSignal;
  /** Resolves when its client reads what is sent outside of calls. @throws when the signal aborts first */
  listening?(signal: AbortSignal): Promise<void>;
  /** Asks the client outside of its calls. @throws when the signal aborts first, or nobody reads the question */
  ask?(method: string, params: RawObject | undefined, signal: AbortSignal): Promise<Answer>;
  /** Whom it belongs to; undefined while it begins, and on a pipe. */
  readonly principal?: Identity | undefined;
  /** Is told as whom plugins have found its own principal, and by what: groups and scopes may be others than before. */
  found?(principal: Principal, token?: CallerToken): void;
  /** Calls `hear` when the client says that its roots changed, until the returned function is called. */
  readonly onRootsChanged?: (hear: () => void) => () => void;
}

export interface Client {
  readonly era: Era;
  /** The protocol revision it speaks. */
  readonly version: string;
  readonly transport: 'http' | 'stdio';
  /** Its Implementation object, verbatim; self-asserted, so no decision may rest on it. */
  readonly info: RawObject | undefined;
  /** Its ClientCapabilities object, verbatim. */
  readonly capabilities: RawObject;
  readonly principal: Principal;
  /** What proved the principal, if it is a token; of what the gateway does on a caller's behalf, the caller's last. */
  readonly token?: CallerToken | undefined;
  readonly session?: ClientSession | undefined;
}

/** What one client can be asked while its call runs. */
export interface Asks {
  readonly form: boolean;
  readonly url: boolean;
  readonly sampling: boolean;
  readonly samplingTools: boolean;
  readonly roots: boolean;
}

/** `elicitation: {}` means form mode (2025-11-25 client/elicitation §Capabilities). */
export function asksOf(capabilities: RawObject): Asks {
  const elicitation = capabilities.object('elicitation');
  const url = elicitation?.has('url') ?? false;
  return {
    form: elicitation !== undefined && (elicitation.has('form') || !url),
    url,
    sampling: capabilities.has('sampling'),
    samplingTools: capabilities.object('sampling')?.has('tools') ?? false,
    roots: capabilities.has('roots'),
  };
}

/** Whether it can be asked this while one of its calls runs, by what it declared. */
export function canAnswer(
  { capabilities, version }: Pick<Client, 'capabilities' | 'version'>,
  method: string,
  params: RawObject | undefined,
): boolean {
  const asks = asksOf(capabilities);
  switch (method) {
    case 'elicitation/create':
      return isAtUrl(params) ? asks.url && knowsUrlMode(version) : asks.form;
    case 'sampling/createMessage':
      // Tools only for those who declared sampling.tools.
      return asks.sampling && (asks.samplingTools || !hasTools(params));
    case 'roots/list':
      return asks.roots;
    default:
      return false;
  }
}

/** The capability that a client declares who can be asked this; undefined of what no revision asks. */
export function capabilityFor(method: string, params: RawObject | undefined): JsonObject | undefined {
  switch (method) {
    case 'elicitation/create':
      return { elicitation: isAtUrl(params) ? { url: {} } : { form: {} } };
    case 'sampling/createMessage':
      return { sampling: hasTools(params) ? { tools: {} } : {} };
    case 'roots/list':
      return { roots: {} };
    default:
      return undefined;
  }
}

function isAtUrl(params: RawObject | undefined): boolean {
  return params?.string('mode') === 'url';
}

function hasTools(params: RawObject | undefined): boolean {
  return params !== undefined && (params.has('tools') || params.has('toolChoice'));
}

export function canBeAsked(capabilities: RawObject): boolean {
  return capabilities.has('elicitation') || capabilities.has('sampling') || capabilities.has('roots');
}

export const NO_CAPABILITIES = RawObject.trusted('{}');
