// `sluice stdio`: the gateway as a local server of one client, over stdin and stdout. Opens no listener and no admin.

import { startGateway } from '../gateway/gateway.ts';
import { ConfigError } from './diagnostics.ts';
import { servePipes } from './pipes.ts';
import { prepare } from './prepare.ts';
import { createReload } from './reloading.ts';
import type { Shell } from './shell.ts';
import { untilStopped } from './until-stopped.ts';

export async function stdio(
  shell: Shell,
  options: { readonly config?: string | undefined },
): Promise<number> {
  const prepared = await prepare(shell, options.config, { listen: false });
  const started = await startGateway(prepared.world);
  if (!started.ok) throw new ConfigError(started.diagnostics);
  const { gateway } = started;
  const reload = createReload(shell, gateway, prepared);
  const stop = untilStopped(shell, { gateway, prepared, reload });
  prepared.logger.log.info('serving one client on stdin and stdout', { config: prepared.reader.name() });
  void servePipes(shell, gateway).then(
    () => stop.now('the client left'),
    (error: unknown) => stop.now(`the pipes failed: ${String(error)}`),
  );
  return stop.done;
}
