// Which results a change concerns that an upstream tells of (2026-07-28 caching §Interaction with Notifications).

import type { McpNotification } from '../protocol/message.ts';
import type { Wanted } from './cache-key.ts';

export interface Change {
  readonly methods: readonly string[];
  isAbout(wanted: Pick<Wanted, 'method' | 'uri'>): boolean;
}

/** A tool that is another one may answer in another way. */
const LISTS: Readonly<Record<string, readonly string[]>> = {
  'notifications/tools/list_changed': ['tools/list', 'tools/call'],
  'notifications/prompts/list_changed': ['prompts/list'],
  'notifications/resources/list_changed': ['resources/list', 'resources/templates/list'],
};

const READ = 'resources/read';

/** @returns undefined where it tells of none */
export function changeOf(note: McpNotification): Change | undefined {
  const methods = Object.hasOwn(LISTS, note.method) ? LISTS[note.method] : undefined;
  if (methods) return { methods, isAbout: ({ method }) => methods.includes(method) };
  if (note.method !== 'notifications/resources/updated') return undefined;
  const changed = note.raw?.string('uri') ?? '';
  // What changed may be a part of what is read, or the whole of it (2026-07-28 resources §Subscriptions).
  const isAbout = (uri: string): boolean => uri.startsWith(changed) || changed.startsWith(uri);
  return { methods: [READ], isAbout: ({ method, uri }) => method === READ && isAbout(uri ?? '') };
}
