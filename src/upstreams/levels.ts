// The severities of log messages, in their order (RFC 5424, as MCP uses it).

const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

/** Whether a message of `level` is below `least`. A level nobody knows is below none. */
export function isLessSevere(level: string, least: string): boolean {
  const at = LEVELS.indexOf(level);
  return at >= 0 && at < LEVELS.indexOf(least);
}
