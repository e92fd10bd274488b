// The fields of records that an operator may leave out. What an entry is, and which belong together, is always written.

export const ALWAYS: ReadonlySet<string> = new Set(['type', 'req_id']);

/** `arguments` are those that the option of that name lets through. */
export const FIELDS = [
  'tenant',
  'principal',
  'client',
  'era',
  'transport',
  'listener',
  'endpoint',
  'method',
  'generation',
  'name',
  'name_digest',
  'upstream',
  'sent',
  'attempt',
  'sends',
  'args_digest',
  'result_digest',
  'bytes_out',
  'bytes_in',
  'streamed',
  'decision',
  'plugin',
  'by',
  'reason',
  'rule',
  'status',
  'rpc_code',
  'code',
  'asks',
  'dur_us',
  'arguments',
] as const;
