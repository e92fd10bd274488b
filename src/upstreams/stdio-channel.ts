// The pipes of a child process as a channel: a line for each message.

import { messageOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { decodeUtf8, JsonError } from '../protocol/raw.ts';
import type { Channel, ChannelHooks } from './channel.ts';
import { startChild } from './child.ts';
import type { Reaper } from './reaper.ts';
import type { CommandSpec } from './spec.ts';

/** @throws Error when the program cannot be started */
export function startStdioChannel(
  spec: CommandSpec,
  hooks: ChannelHooks,
  host: Host,
  reaper: Reaper,
): Channel {
  const line = (bytes: Uint8Array): void => {
    let text: string;
    try {
      text = decodeUtf8(bytes, 'refuse');
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      hooks.garbage(messageOf(error));
      return;
    }
    hooks.text(text);
  };
  const gone: ChannelHooks['gone'] = (why, fault) => {
    if (fault) host.metrics.limitHits.inc({ limit: 'line' });
    hooks.gone(why, fault);
  };
  const child = startChild(spec, { ...hooks, line, gone }, host.log.with({ upstream: spec.name }), reaper);
  return {
    what: 'its process',
    outbound: (body) => ({ transport: 'stdio', method: '', url: '', headers: {}, body }),
    send: ({ body }) => child.write(body),
    close: () => child.stop(),
  };
}
