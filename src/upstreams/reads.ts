// Requests that may be sent twice when it cannot be known whether the first one arrived: they only read.

const READS: ReadonlySet<string> = new Set([
  'server/discover',
  'subscriptions/listen',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'completion/complete',
  'tasks/get',
  'tasks/list',
  'tasks/result',
]);

export function isRead(method: string): boolean {
  return READS.has(method);
}
