// Extensions of the protocol by their identifiers, and whether a peer declared one.

import type { RawObject } from './raw.ts';

/** Results that come later: SEP-2663. */
export const TASKS = 'io.modelcontextprotocol/tasks';

/** `_meta` member of the initialize era that says which task a message belongs to. */
export const RELATED_TASK = 'io.modelcontextprotocol/related-task';

/** @param capabilities of a client or a server, as 2026-07-28 has them */
export function declares(capabilities: RawObject, extension: string): boolean {
  return capabilities.object('extensions')?.object(extension) !== undefined;
}

/** The same capabilities without an extension. */
export function withoutExtension(capabilities: RawObject, extension: string): RawObject {
  const extensions = capabilities.object('extensions')?.with({ [extension]: undefined });
  if (extensions === undefined) return capabilities;
  return capabilities.with({ extensions: extensions.keys().length === 0 ? undefined : extensions });
}
