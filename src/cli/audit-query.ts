// `sluice audit query`: entries by what they say, through an index that is made where there is none.

import { join, resolve } from 'node:path';
import { showEntries } from './audit.ts';
import { numberIn, timeIn } from './audit-options.ts';
import { type Named, placeOf } from './audit-place.ts';
import { unlessUnable } from './audit-told.ts';
import type { SearchColumn } from './audit-tools.ts';
import { CliError, EXIT } from './exit.ts';
import type { Shell } from './shell.ts';

export interface QueryOptions extends Named {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly principal?: string | undefined;
  readonly issuer?: readonly string[] | undefined;
  readonly tenant?: string | undefined;
  readonly tool?: string | undefined;
  readonly upstream?: string | undefined;
  readonly method?: string | undefined;
  readonly decision?: string | undefined;
  readonly status?: string | undefined;
  readonly reqId?: string | undefined;
  readonly type?: string | undefined;
  readonly limit?: string | undefined;
  readonly index?: string | undefined;
  readonly rebuild?: boolean | undefined;
  readonly json?: boolean | undefined;
}

export function queryLog(shell: Shell, directory: string | undefined, options: QueryOptions): number {
  const place = placeOf(shell, directory, options);
  const now = Date.now();
  const limit = numberIn('--limit', options.limit) ?? 100;
  const index = options.index === undefined ? undefined : resolve(shell.cwd, options.index);
  const shown = unlessUnable(() => {
    const found = shell.auditLog.search(
      place.directory,
      {
        index: index ?? join(place.directory, 'index.sqlite'),
        rebuild: options.rebuild === true,
        since: timeIn('--since', options.since, now),
        until: timeIn('--until', options.until, now),
        is: conditionsOf(options),
        principal: options.principal,
        issuers: options.issuer ?? place.issuers,
        limit,
      },
      place.keyFile,
    );
    try {
      return showEntries(shell, found, options.json === true);
    } catch (error) {
      throw notWritable(error) ?? error;
    }
  });
  const more = shown === limit ? ', the newest ones: say --limit for more' : '';
  shell.err.write(`${shown} ${shown === 1 ? 'entry' : 'entries'}${more}\n`);
  return EXIT.ok;
}

/** Several of one kind have commas between them. */
function conditionsOf({ tool, reqId, ...options }: QueryOptions): Map<SearchColumn, string[]> {
  const { tenant, upstream, method, decision, status, type } = options;
  const all: readonly (readonly [SearchColumn, string | undefined])[] = [
    ['tenant', tenant],
    ['name', tool],
    ['upstream', upstream],
    ['method', method],
    ['decision', decision],
    ['status', status],
    ['req_id', reqId],
    ['type', type],
  ];
  return new Map(all.flatMap(([column, text]) => (text === undefined ? [] : [[column, text.split(',')]])));
}

function notWritable(error: unknown): CliError | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!/^SQLITE_(CANTOPEN|READONLY|PERM|IOERR)/.test(code)) return undefined;
  return new CliError(EXIT.usage, 'the index cannot be written beside the log', 'say --index FILE');
}
