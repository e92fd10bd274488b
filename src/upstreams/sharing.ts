// Whom one link serves: by configuration, era and client. Knows no live link.

import { asksOf, type Client, canBeAsked, identityKey, NO_CAPABILITIES } from '../core/client.ts';
import type { Era } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { NEWEST_INITIALIZE } from '../protocol/versions.ts';
import type { Profile } from './link.ts';
import type { Whose } from './own.ts';
import type { UpstreamSpec } from './spec.ts';

/** How links of one upstream are shared. */
export interface Sharing {
  readonly per: 'auto' | 'session' | 'principal' | 'request' | 'shared';
  /** Most links at once. */
  readonly max: number;
  /** How long one may be unused that serves no session, milliseconds. */
  readonly idle: number;
  /** The same for a process that serves several callers; absent or `off`: it stays. */
  readonly idleStop?: number | 'off';
  /** Longest wait for a turn, milliseconds. */
  readonly wait: number;
  /** Most calls that wait for theirs. */
  readonly queue: number;
}

/** What one link is for. */
export interface Slot {
  readonly key: string;
  readonly era: Era;
  /** The one client session it serves, if it serves just one. */
  readonly owner: Client['session'];
  /** The one principal it serves, if it serves just one. */
  readonly whose?: Whose;
  /** Whether there is one at each target, as of those for everybody, since each request says all there is to know. */
  readonly spreads?: boolean;
  readonly profile: Profile;
  /** How many links there may be of its kind, for calls whose questions must not be mixed up. */
  readonly places: number;
  /** When it is of no more use: with its session or upstream, unused for a while, or after one exchange. */
  readonly until: 'end' | 'idle' | 'used';
  /** Whether a question of the server could be for one of several callers. */
  readonly mixed: boolean;
}

/** Sessions of the embedded upstream cost nothing. */
const BUILTIN: Sharing = { per: 'session', max: 10_000, idle: 900_000, wait: 0, queue: 0 };

export function sharingOf(spec: UpstreamSpec): Sharing {
  if (spec.kind === 'command') return spec.instances;
  return spec.kind === 'url' ? spec.sessions : BUILTIN;
}

const fixed = { owner: undefined, places: 1, until: 'end' } as const;
const profileOf = (capabilities: RawObject): Profile => ({
  version: NEWEST_INITIALIZE,
  info: undefined,
  capabilities,
});

/** For everybody, where each request says all there is to know. */
export const STATELESS: Slot = {
  ...fixed,
  key: 'stateless',
  era: '2026',
  profile: profileOf(NO_CAPABILITIES),
  mixed: false,
};

/** For everybody who cannot be asked anything. */
export const UNASKED: Slot = { ...STATELESS, key: 'unasked', era: '2025' };

/**
 * For everybody, with questions. Roots are left out: a server keeps them for its session, and these are each
 * caller's own. So are the options of sampling, which not everybody has.
 */
export const SHARED: Slot = {
  ...fixed,
  key: 'shared',
  era: '2025',
  profile: profileOf(RawObject.of({ elicitation: { form: {}, url: {} }, sampling: {} })),
  mixed: true,
};

/** For one principal, where each request says all there is to know but has a credential of its own. */
export function spreadSlot(client: Client, place: number): Slot {
  return { ...principalSlot(client, '2026', place), spreads: true };
}

/** That of one of the targets. */
export function slotAt(slot: Slot, target: { readonly url: string; readonly stateless: Slot }): Slot {
  if (slot === STATELESS) return target.stateless;
  return slot.spreads ? { ...slot, key: `${slot.key} at ${target.url}` } : slot;
}

const whoseOf = ({ principal, token }: Client): Whose => ({ principal, token });

/** What proved the principal of a link last is what the gateway has to show for it. */
export function renew({ whose }: Slot, client: Client): void {
  if (!whose || identityKey(whose.principal) !== identityKey(client.principal)) return;
  whose.principal = client.principal;
  whose.token = client.token ?? whose.token;
}

/** For one exchange. */
export function onceSlot(client: Client, era: Era): Slot {
  const { version, info, capabilities } = client;
  return {
    key: `request:${crypto.randomUUID()}`,
    era,
    owner: undefined,
    whose: whoseOf(client),
    profile: { version, info, capabilities },
    places: 1,
    until: 'used',
    mixed: false,
  };
}

/** For one session. */
function sessionSlot(client: Client, session: NonNullable<Client['session']>, era: Era): Slot {
  const { version, info, capabilities } = client;
  const profile = { version, info, capabilities };
  return {
    key: `session:${session.key}`,
    era,
    owner: session,
    whose: whoseOf(client),
    profile,
    places: 1,
    until: 'end',
    mixed: false,
  };
}

/**
 * For one principal and what can be asked of its clients. Other capabilities are not told: they are in every
 * request, or mean nothing here, and each text of them would be another link.
 */
function principalSlot(client: Client, era: Era, place: number): Slot {
  const { principal, info, capabilities } = client;
  const asks = era === '2025' ? askable(capabilities) : NO_CAPABILITIES;
  return {
    key: `principal:${era}:${place}:${asks.text}:${identityKey(principal)}`,
    era,
    owner: undefined,
    whose: whoseOf(client),
    profile: { version: NEWEST_INITIALIZE, info, capabilities: asks },
    places: 1,
    until: 'idle',
    mixed: canBeAsked(asks),
  };
}

/** The slot that is the client's own; of `request`, what is no request has that of the principal. */
export function ownSlot(per: Sharing['per'], client: Client, era: Era, place: number): Slot {
  const { session } = client;
  return session && per !== 'principal' && per !== 'request'
    ? sessionSlot(client, session, era)
    : principalSlot(client, era, place);
}

/**
 * The session whose own link a request of this client could take, by its key: what it is answered there may be
 * nobody else's.
 * @param eras those the upstream may speak with it
 */
export function sessionFor(spec: UpstreamSpec, client: Client, eras: readonly Era[]): string | undefined {
  const { session, capabilities } = client;
  const { per, max } = sharingOf(spec);
  if (!session || (per !== 'session' && per !== 'auto')) return undefined;
  if (per === 'auto' && max > 1 && !canBeAsked(capabilities)) return undefined;
  const isForAll = !eras.includes('2025') && (spec.kind !== 'command' || per === 'auto');
  return isForAll ? undefined : session.key;
}

/** The part of a client's capabilities that a server of the initialize era may ask by, always in the same words. */
function askable(capabilities: RawObject): RawObject {
  const { form, url, sampling, roots } = asksOf(capabilities);
  const gates = capabilities.object('sampling');
  return RawObject.of({
    ...(form || url ? { elicitation: { ...(form && { form: {} }), ...(url && { url: {} }) } } : {}),
    ...(sampling && {
      sampling: {
        ...(gates?.has('tools') && { tools: {} }),
        ...(gates?.has('context') && { context: {} }),
      },
    }),
    ...(roots && { roots: {} }),
  });
}
