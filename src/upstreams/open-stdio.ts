// Starts a child process and opens the conversation in a given era, or in the one it turns out to speak.

import { GatewayError, messageOf } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import type { Era } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';
import {
  discoverParams,
  helloOfDiscover,
  helloOfInitialize,
  initializeParams,
  offersStateless,
  startedLate,
} from './hello.ts';
import type { Profile } from './link.ts';
import type { Openings } from './open-http.ts';
import type { Own } from './own.ts';
import { unlessAborted } from './pause.ts';
import type { Reaper } from './reaper.ts';
import type { CommandSpec } from './spec.ts';
import { StdioLink } from './stdio-link.ts';
import { NoReply, WrongEra } from './verdict.ts';

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
): Promise<StdioLink> {
  const link = start(at, to);
  try {
    if (era === '2026') await discover(link, at);
    else await initialize(link, at, profile);
    return link;
  } catch (error) {
    await link.close();
    throw error;
  }
}

function start(at: StdioOpening, to: Openings): StdioLink {
  try {
    return new StdioLink({ spec: at.spec, host: at.host, reaper: at.reaper, own: at.own, ...to });
  } catch (error) {
    const { name } = at.spec;
    throw new GatewayError('UPSTREAM_UNAVAILABLE', `The upstream "${name}": ${messageOf(error)}.`, {
      upstream: name,
    });
  }
}

async function discover(link: StdioLink, at: StdioOpening): Promise<void> {
  const result = await ask(link, at, at.own('server/discover', discoverParams(at.gateway), at.signal));
  if (!offersStateless(result)) throw new WrongEra('server/discover does not offer it');
  link.greet('2026', helloOfDiscover(result));
}

async function initialize(link: StdioLink, at: StdioOpening, profile: Profile): Promise<void> {
  link.greet('2025', link.hello);
  const result = await ask(link, at, at.own('initialize', initializeParams(profile, at.gateway), at.signal));
  link.greet('2025', helloOfInitialize(at.spec.name, result));
  await link.notify(at.own('notifications/initialized', undefined, at.signal));
}

/** @throws WrongEra when the server answers with an error, NoReply when it ends or says nothing */
async function ask(link: StdioLink, at: StdioOpening, x: Exchange): Promise<RawObject> {
  const { promise, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(resolve, at.spec.timeouts.start, 'late');
  const call = link.start(x, () => undefined);
  const settled = await unlessAborted(Promise.race([call.settled, promise]), at.signal).finally(() =>
    clearTimeout(timer),
  );
  // Not cancelled when it is late: the process ends, and `initialize` never is (2025-11-25 basic/utilities/cancellation).
  if (settled === 'late') throw new NoReply(startedLate(at.spec.name, at.spec.timeouts.start));
  if (settled.kind === 'failed')
    throw settled.error.code === 'PLUGIN_FAILED' ? settled.error : new NoReply(settled.error);
  if (settled.kind === 'error')
    throw new WrongEra(`${x.request.method}: ${settled.raw.string('message') ?? 'an error'}`);
  return settled.raw;
}
