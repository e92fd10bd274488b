// Whether a subscription asked for an event: what was not asked for must not be sent, whatever an upstream does
// (2026-07-28 patterns/subscriptions).

import type { McpNotification } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';

const LISTS: Readonly<Record<string, string>> = {
  'notifications/tools/list_changed': 'toolsListChanged',
  'notifications/prompts/list_changed': 'promptsListChanged',
  'notifications/resources/list_changed': 'resourcesListChanged',
};

/** @param filter the `notifications` of the request */
export function wantedBy(filter: RawObject | undefined): (note: McpNotification) => boolean {
  const asked = filter?.get('resourceSubscriptions');
  const uris = new Set<unknown>(Array.isArray(asked) ? asked : []);
  return ({ method, raw }) => {
    const list = LISTS[method];
    if (list !== undefined) return filter?.get(list) === true;
    // Other kinds of events, such as those of tasks, are the upstream's to match.
    return method !== 'notifications/resources/updated' || uris.has(raw?.string('uri'));
  };
}
