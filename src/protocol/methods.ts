// One row per MCP method: where it goes and which member names its target. A new method is a row here,
// not a handler. Knows nothing of upstreams or clients.

/** What a list method merges over upstreams: the member that holds its items. */
export type ListKind = 'tools' | 'prompts' | 'resources' | 'resourceTemplates' | 'tasks';

export interface MethodRow {
  /** `one` upstream, `all` of them, or answered by the gateway itself. */
  readonly to: 'one' | 'all' | 'local';
  /** The member of params that names the target. */
  readonly name?: 'name' | 'uri' | 'taskId' | 'ref';
  /** For `all`: how results become one. */
  readonly merge?: ListKind | 'stream';
  /** May ask: `input_required` (2026-07-28 patterns/mrtr: the three of them), or questions in the initialize era. */
  readonly asks?: true;
  /** May answer with a task instead of its result (SEP-2663 §Supported Methods). */
  readonly tasks?: true;
  /** Its result carries ttlMs and cacheScope (2026-07-28 server/utilities/caching). */
  readonly cacheable?: true;
  /** Nothing of its result is the gateway's affair, so a large one may be passed on as it comes. */
  readonly streams?: true;
}

const rows: Readonly<Record<string, MethodRow>> = {
  'server/discover': { to: 'local', cacheable: true },
  'tools/list': { to: 'all', merge: 'tools', cacheable: true },
  'tools/call': { to: 'one', name: 'name', asks: true, tasks: true, streams: true },
  'prompts/list': { to: 'all', merge: 'prompts', cacheable: true },
  'prompts/get': { to: 'one', name: 'name', asks: true, streams: true },
  'resources/list': { to: 'all', merge: 'resources', cacheable: true },
  'resources/templates/list': { to: 'all', merge: 'resourceTemplates', cacheable: true },
  'resources/read': { to: 'one', name: 'uri', asks: true, cacheable: true, streams: true },
  'completion/complete': { to: 'one', name: 'ref' },
  'subscriptions/listen': { to: 'all', merge: 'stream' },
  'tasks/get': { to: 'one', name: 'taskId' },
  'tasks/update': { to: 'one', name: 'taskId' },
  'tasks/cancel': { to: 'one', name: 'taskId' },
  'tasks/result': { to: 'one', name: 'taskId', asks: true },
  'tasks/list': { to: 'all', merge: 'tasks' },
};

const table = new Map(Object.entries(rows));
const OTHER = 'other';

/** The row of a method, or undefined for one this gateway does not know. */
export function methodRow(method: string): MethodRow | undefined {
  return table.get(method);
}

const notes: ReadonlySet<string> = new Set([
  'notifications/cancelled',
  'notifications/elicitation/complete',
  'notifications/message',
  'notifications/progress',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
  'notifications/resources/updated',
  'notifications/subscriptions/acknowledged',
  'notifications/tasks',
  'notifications/tasks/status',
  'notifications/tools/list_changed',
]);

/** The name under which a request is counted: what an upstream or a client makes up must not become a label. */
export function methodLabel(method: string): string {
  return table.has(method) ? method : OTHER;
}

/** The same for a notification. */
export function noteLabel(method: string): string {
  return notes.has(method) ? method : OTHER;
}

/** Methods that exist in the initialize era only; a 2026-07-28 client that sends one is told -32601. */
export const INITIALIZE_ERA_ONLY: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'tasks/list',
  'tasks/result',
]);

/** Methods that exist since 2026-07-28 only; an initialize-era client that sends one is told -32601. */
export const STATELESS_ERA_ONLY: ReadonlySet<string> = new Set([
  'server/discover',
  'subscriptions/listen',
  'tasks/update',
]);
