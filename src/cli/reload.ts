// `sluice reload`: has the running gateway read its configuration anew, waits, and prints what changed.

import { askAdmin, refusalOf, type Target } from './admin-client.ts';
import { EXIT } from './exit.ts';
import { type ReloadBody, renderReload } from './reloading.ts';
import { type Shell, wantsColor } from './shell.ts';

export async function reload(
  shell: Shell,
  options: Target & { readonly dryRun?: boolean | undefined; readonly json?: boolean | undefined },
): Promise<number> {
  const body = JSON.stringify({ dryRun: options.dryRun === true });
  const reply = await askAdmin(shell, options, '/reload', { method: 'POST', body });
  const report = reply.body as ReloadBody | { readonly error: unknown };
  if ('error' in report) throw refusalOf(reply);
  if (options.json === true) shell.out.write(`${JSON.stringify(report)}\n`);
  else if (report.ok) shell.out.write(`${renderReload(report, wantsColor(shell, shell.out))}\n`);
  else shell.err.write(`${renderReload(report, wantsColor(shell, shell.err))}\n`);
  return report.ok ? EXIT.ok : EXIT.config;
}
