// `sluice audit forget`: what entries have of a principal's arguments and results says nothing any more.

import { type Named, placeOf } from './audit-place.ts';
import { unlessUnable } from './audit-told.ts';
import { CliError, EXIT } from './exit.ts';
import type { Shell } from './shell.ts';

export interface ForgetOptions extends Named {
  readonly principal?: string | undefined;
  readonly issuer?: readonly string[] | undefined;
  readonly yes?: boolean | undefined;
}

export function forgetPrincipal(shell: Shell, directory: string | undefined, options: ForgetOptions): number {
  const { principal, issuer, yes = false } = options;
  if (principal === undefined)
    throw new CliError(EXIT.usage, 'nobody is named', 'say --principal NAME, as the configuration knows it');
  const place = placeOf(shell, directory, options);
  const { calls, salts, shared } = unlessUnable(() =>
    shell.auditLog.forget(
      place.directory,
      { principal, issuers: issuer ?? place.issuers },
      place.keyFile,
      yes,
    ),
  );
  const done = yes ? 'written over' : 'would be written over: say --yes';
  shell.out.write(`${calls} ${calls === 1 ? 'call' : 'calls'} in the log; ${salts} salts ${done}\n`);
  if (shared > 0)
    shell.err.write(`${shared} of them left as they are: somebody else has calls of the same id\n`);
  return EXIT.ok;
}
