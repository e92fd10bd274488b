// Messages that fit where clients show them.

import type { McpNotification } from '../../src/plugin.ts';

/** A copy whose message has no more than `most` characters, cut between two of them; else the very same. */
export function shorten(note: McpNotification, most: number): McpNotification {
  const message = note.raw?.string('message');
  // A character is one or two units, so most messages are not looked at.
  if (message === undefined || message.length <= most) return note;
  // No more of a long one is taken apart than may be kept.
  const characters = [...message.slice(0, 2 * most + 2)];
  if (characters.length <= most) return note;
  return note.with({ message: `${characters.slice(0, most - 1).join('')}…` });
}
