// Starts a child process and opens the conversation in a given era.

import { GatewayError, messageOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { pause } from '../lib/pause.ts';
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
import { NoReply, OutOfTime } from './verdict.ts';

export interface StdioOpening {
  readonly spec: CommandSpec;
  readonly host: Host;
  readonly reaper: Reaper;
  readonly gateway: RawObject;
  /** Aborts when nobody needs the link any more. */
  readonly signal: AbortSignal;
  readonly own: Own;
}

/** What a process says that is only asked which era it speaks. */
const UNHEARD: Openings = {
  events: { unsolicited() {}, ended() {}, callOver() {} },
  question() {},
  withdrawn() {},
};

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
  if (at.spec.era !== 'auto') return greeted(era, at, profile, to);
  if (era === '2025') return greeted(era, at, profile, to).catch(outOfTime);
  const older = new AbortController();
  const over = new AbortController();
  void speaksOlder({ ...at, signal: AbortSignal.any([at.signal, over.signal]) }, profile).then(
    (silent) => older.abort(silent),
    // Neither is it known to speak the older era: the first process has all of its time.
    () => {},
  );
  try {
    return await greeted(era, { ...at, signal: AbortSignal.any([at.signal, older.signal]) }, profile, to);
  } catch (error) {
    // Where there was no time for a second process, the other era has its own.
    if (at.spec.timeouts.probe < at.spec.timeouts.start) outOfTime(error);
    throw error;
  } finally {
    over.abort();
  }
}

/** One that said nothing for all of `timeouts.start` is not started once more, to say nothing again. */
function outOfTime(error: unknown): never {
  throw error instanceof NoReply && error.isLate ? new OutOfTime(error) : error;
}

/**
 * Some servers of 2025 pass over `server/discover` in silence. Their silence is told from a slow start by a second
 * process: one that answers `initialize` although it began later. It never takes the place of the first, and ends.
 */
async function speaksOlder(at: StdioOpening, profile: Profile): Promise<NoReply> {
  const { name, timeouts } = at.spec;
  await pause(timeouts.probe, at.signal);
  const link = await greeted('2025', at, profile, UNHEARD);
  void link.close();
  return new NoReply(
    new GatewayError('UPSTREAM_TIMEOUT', `The upstream "${name}" says nothing to server/discover.`, {
      upstream: name,
    }),
  );
}

async function greeted(era: Era, at: StdioOpening, profile: Profile, to: Openings): Promise<ChannelLink> {
  const { name, timeouts } = at.spec;
  const link = start(at, to);
  try {
    const greeting = { ...at, name, patience: timeouts.start };
    if (era === '2026') await discover(link, greeting);
    else await initialize(link, greeting, profile);
    return link;
  } catch (error) {
    const ended = link.close();
    // A caller that has waited for all of `timeouts.start` does not wait for `stop` and `kill`, too.
    if (to.leaving && error instanceof NoReply && error.isLate) to.leaving(ended);
    else await ended;
    throw error;
  }
}

function start({ spec, host, own, reaper }: StdioOpening, to: Openings): ChannelLink {
  const { name, limits, timeouts } = spec;
  const { cancel, slowClient } = timeouts;
  try {
    return new ChannelLink({ name, limits, cancel, slowClient, host, own, ...to }, (hooks) =>
      startStdioChannel(spec, hooks, host, reaper),
    );
  } catch (error) {
    throw new GatewayError('UPSTREAM_UNAVAILABLE', `The upstream "${name}": ${messageOf(error)}.`, {
      upstream: name,
    });
  }
}
