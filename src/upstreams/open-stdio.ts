// Starts a child process and opens the conversation in a given era.

import { GatewayError, messageOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Era } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import { ChannelLink } from './channel-link.ts';
import { discover, initialize } from './greet.ts';
import type { Openings } from './http-opening.ts';
import type { Profile } from './link.ts';
import type { Own } from './own.ts';
import type { Reaper } from './reaper.ts';
import type { CommandSpec } from './spec.ts';
import { startStdioChannel } from './stdio-channel.ts';

export interface StdioOpening {
  readonly spec: CommandSpec;
  readonly host: Host;
  readonly reaper: Reaper;
  readonly gateway: RawObject;
  /** Aborts when nobody needs the link any more. */
  readonly signal: AbortSignal;
  readonly own: Own;
}

/**
 * @throws WrongEra when the server says it does not speak this era
 * @throws GatewayError when it cannot be started or does not answer within `timeouts.start`
 */
export async function openStdio(
  era: Era,
  at: StdioOpening,
  profile: Profile,
  to: Openings,
): Promise<ChannelLink> {
  const { name, timeouts } = at.spec;
  const link = start(at, to);
  try {
    const greeting = { ...at, name, patience: timeouts.start };
    if (era === '2026') await discover(link, greeting);
    else await initialize(link, greeting, profile);
    return link;
  } catch (error) {
    await link.close();
    throw error;
  }
}

function start({ spec, host, own, reaper }: StdioOpening, to: Openings): ChannelLink {
  const { name, limits } = spec;
  try {
    return new ChannelLink({ name, limits, host, own, ...to }, (hooks) =>
      startStdioChannel(spec, hooks, host, reaper),
    );
  } catch (error) {
    throw new GatewayError('UPSTREAM_UNAVAILABLE', `The upstream "${name}": ${messageOf(error)}.`, {
      upstream: name,
    });
  }
}
