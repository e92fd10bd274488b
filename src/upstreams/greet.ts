// The first words over a channel: `server/discover` or `initialize`, to their answer.

import { isOfPlugin } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import type { RawObject } from '../protocol/raw.ts';
import type { ChannelLink } from './channel-link.ts';
import {
  discoverParams,
  helloOfDiscover,
  helloOfInitialize,
  initializeParams,
  offersStateless,
  startedLate,
} from './hello.ts';
import type { Profile } from './link.ts';
import type { Own } from './own.ts';
import { NoReply, WrongEra } from './verdict.ts';

export interface Greeting {
  readonly name: string;
  /** How long the answer may take, milliseconds. */
  readonly patience: number;
  readonly gateway: RawObject;
  readonly host: Host;
  /** Aborts when nobody needs the link any more. */
  readonly signal: AbortSignal;
  readonly own: Own;
}

/** @throws WrongEra when the server does not speak the stateless era; NoReply when it ends or says nothing */
export async function discover(link: ChannelLink, at: Greeting): Promise<void> {
  const result = await ask(link, at, at.own('server/discover', discoverParams(at.gateway), at.signal));
  if (!offersStateless(result)) throw new WrongEra('server/discover does not offer it');
  link.greet('2026', helloOfDiscover(result));
}

/** @throws WrongEra when the server does not speak the initialize era; NoReply when it ends or says nothing */
export async function initialize(link: ChannelLink, at: Greeting, profile: Profile): Promise<void> {
  link.greet('2025', link.hello);
  const result = await ask(link, at, at.own('initialize', initializeParams(profile, at.gateway), at.signal));
  link.greet('2025', helloOfInitialize(result));
  await link.notify(at.own('notifications/initialized', undefined, at.signal));
}

async function ask(link: ChannelLink, at: Greeting, x: Exchange): Promise<RawObject> {
  const { promise, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(resolve, at.patience, 'late');
  const call = link.start(x, () => undefined);
  const settled = await unlessAborted(Promise.race([call.settled, promise]), at.signal).finally(() =>
    clearTimeout(timer),
  );
  // Not cancelled when it is late: the channel ends, and `initialize` never is (2025-11-25 basic/utilities/cancellation).
  if (settled === 'late') throw new NoReply(startedLate(at.name, at.patience, at.host), true);
  if (settled.kind === 'failed') throw isOfPlugin(settled.error) ? settled.error : new NoReply(settled.error);
  if (settled.kind === 'error')
    throw new WrongEra(`${x.request.method}: ${settled.raw.string('message') ?? 'an error'}`);
  return settled.raw;
}
