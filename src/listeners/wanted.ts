// Whether a subscription asked for an event: what was not asked for must not be sent, whatever an upstream does
// (2026-07-28 patterns/subscriptions).

import { errorResult } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { McpNotification, McpResult } from '../protocol/message.ts';
import type { RawObject } from '../protocol/raw.ts';

const LISTS: Readonly<Record<string, string>> = {
  'notifications/tools/list_changed': 'toolsListChanged',
  'notifications/prompts/list_changed': 'promptsListChanged',
  'notifications/resources/list_changed': 'resourcesListChanged',
};

/** How many things a subscription watches, beside lists. @param filter the `notifications` of its request */
export function watchedBy(filter: RawObject | undefined): number {
  return asked(filter, 'resourceSubscriptions').size + asked(filter, 'taskIds').size;
}

/** The refusal of a filter that is none. @param params of the request, whose `notifications` it is */
export function filterRefusal(params: RawObject | undefined): McpResult | undefined {
  const filter = params?.object('notifications');
  if (!filter) return errorResult('PARAMS_INVALID', 'params.notifications must be an object.');
  for (const name of Object.values(LISTS)) {
    if (filter.has(name) && typeof filter.get(name) !== 'boolean')
      return errorResult('PARAMS_INVALID', `params.notifications.${name} must be true or false.`);
  }
  for (const name of ['resourceSubscriptions', 'taskIds']) {
    const values = filter.get(name);
    const isList = Array.isArray(values) && values.every((each) => typeof each === 'string');
    if (filter.has(name) && !isList)
      return errorResult('PARAMS_INVALID', `params.notifications.${name} must be a list of texts.`);
  }
  return undefined;
}

/** The refusal of one thing more than a client may watch. */
export function subscriptionsFull({ metrics }: Host): McpResult {
  metrics.limitHits.inc({ limit: 'subscriptions' });
  return errorResult('SUBSCRIPTIONS_FULL');
}

/** @param filter the `notifications` of the request */
export function wantedBy(filter: RawObject | undefined): (note: McpNotification) => boolean {
  const uris = asked(filter, 'resourceSubscriptions');
  const tasks = asked(filter, 'taskIds');
  return ({ method, raw }) => {
    const list = LISTS[method];
    if (list !== undefined) return filter?.get(list) === true;
    if (method === 'notifications/tasks') return tasks.has(raw?.string('taskId'));
    // Other kinds of events are the upstream's to match.
    return method !== 'notifications/resources/updated' || uris.has(raw?.string('uri'));
  };
}

function asked(filter: RawObject | undefined, member: string): ReadonlySet<unknown> {
  const values = filter?.get(member);
  return new Set<unknown>(Array.isArray(values) ? values : []);
}
