// Opens a link over HTTP+SSE, the transport of 2024-11-05, which knows the initialize era alone.

import { ChannelLink } from './channel-link.ts';
import { initialize } from './greet.ts';
import type { HeadOptions } from './http-head.ts';
import { type HttpOpening, inTime, type Openings } from './http-opening.ts';
import type { Reading } from './http-read.ts';
import type { Profile } from './link.ts';
import { openSseStream } from './sse-channel.ts';
import { NoReply } from './verdict.ts';

/**
 * @throws WrongEra when what answers is no such server
 * @throws GatewayError when it cannot be reached, or names an address that must not be used
 */
export async function openSse(
  at: HttpOpening,
  head: HeadOptions,
  profile: Profile,
  to: Openings,
): Promise<ChannelLink> {
  const { name, client, limits, timeouts, host, own } = at;
  const reading: Reading = { upstream: name, limits, host, message: () => undefined, garbage() {} };
  const stream = await inTime(at, (signal) =>
    openSseStream({ name, client, head, reading, timeouts, host }, own('GET', undefined, signal)),
  );
  const { close: lastWords, cancel, slowClient } = timeouts;
  const link = new ChannelLink(
    { name, limits, lastWords, cancel, slowClient, host, own, ...to },
    stream.channel,
  );
  try {
    await initialize(link, { ...at, patience: at.timeouts.start }, profile);
    return link;
  } catch (error) {
    await link.close();
    // A stream that breaks says nothing of eras.
    throw error instanceof NoReply ? error.fault : error;
  }
}
