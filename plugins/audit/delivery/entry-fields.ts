// Members of an entry, read back from its line: for sinks that have a form of their own for some of them.

export type EntryFields = Readonly<Record<string, string | number | boolean>>;

export function fieldsOf(line: string): EntryFields {
  return JSON.parse(line) as EntryFields;
}

/** Whether something went wrong that an operator wants to see first: of outcomes, of the log itself. */
export function gravityOf({ type, status, decision }: EntryFields): 'info' | 'notice' | 'warning' {
  if (type === 'recovery' || type === 'incident' || type === 'gap') return 'warning';
  if (status === 'error' || decision === 'deny' || decision === 'fail') return 'notice';
  return 'info';
}

/** When it was written, milliseconds since the epoch; the line's own clock. */
export function timeOf({ ts }: EntryFields): number {
  const at = Date.parse(String(ts));
  return Number.isNaN(at) ? 0 : at;
}
