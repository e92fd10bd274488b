// `sluice run`: the gateway in the foreground until a signal ends it.

import { AdminFault } from '../admin/fault.ts';
import { type Admin, startAdmin } from '../admin/server.ts';
import { startGateway } from '../gateway/gateway.ts';
import type { Gateway } from '../gateway/types.ts';
import { adminSource } from './admin-source.ts';
import { ConfigError } from './diagnostics.ts';
import { CliError, EXIT } from './exit.ts';
import { greet, greetUpstream, logStart } from './greeting.ts';
import { defaultSocket } from './paths.ts';
import { keepStdin } from './pipes.ts';
import { type Prepared, prepare } from './prepare.ts';
import { createReload } from './reloading.ts';
import { type Shell, wantsColor } from './shell.ts';
import { untilStopped } from './until-stopped.ts';
import { watchFiles } from './watch.ts';

export interface RunOptions {
  readonly config?: string | undefined;
  readonly watch?: boolean | undefined;
}

export async function run(shell: Shell, options: RunOptions): Promise<number> {
  const began = performance.now();
  const prepared = await prepare(shell, options.config, { listen: true });
  const { logger } = prepared;
  const late: { gateway?: Gateway } = {};
  const source = adminSource(prepared, () => late.gateway);
  const admin = await openAdmin(shell, prepared, source);
  const gateway = await start(prepared, admin);
  late.gateway = gateway;
  // The first reading took; 0 is for a reload that was refused.
  prepared.world.host.metrics.lastReloadOk.set(1);
  const reload = createReload(shell, gateway, prepared);
  source.reloadWith(reload);
  const stop = untilStopped(shell, { gateway, prepared, reload });
  const greeting = {
    config: prepared.reader.name(),
    builtIn: prepared.reader.file() === undefined,
    report: gateway.report(),
    admin,
    ms: performance.now() - began,
    watched: options.watch === true,
  };
  if (logger.format === 'human') {
    const color = wantsColor(shell, shell.err);
    shell.err.write(greet(greeting, color));
    void gateway.warm((warmed) => shell.err.write(greetUpstream(warmed, color)));
  } else logStart(greeting, logger);
  const unwatch =
    options.watch === true ? watch(shell, prepared, () => void reload({ dryRun: false })) : undefined;
  keepStdin(shell, prepared, gateway, stop.now);
  const code = await stop.done;
  unwatch?.();
  await admin.stop();
  return code;
}

async function start(prepared: Prepared, admin: Admin): Promise<Gateway> {
  try {
    const started = await startGateway(prepared.world);
    if (started.ok) return started.gateway;
    throw new ConfigError(started.diagnostics);
  } catch (error) {
    await admin.stop();
    throw error;
  }
}

/** A socket that nobody asked for and the system does not allow is done without. */
async function openAdmin(
  shell: Shell,
  { first, stateDir, logger }: Prepared,
  source: ReturnType<typeof adminSource>,
): Promise<Admin> {
  const { listen, socket } = first.config.admin;
  const options = { listen, socket: socket ?? defaultSocket(shell, stateDir), source, log: logger.log };
  try {
    return await startAdmin(options).catch((error: unknown) => {
      if (socket !== undefined || !(error instanceof AdminFault) || error.kind !== 'unusable') throw error;
      logger.log.warn('no admin socket: `sluice reload` and `status` cannot reach this gateway', {
        reason: error.message,
      });
      return startAdmin({ ...options, socket: 'off' });
    });
  } catch (error) {
    if (error instanceof AdminFault) throw new CliError(EXIT.failed, error.message, error.hint);
    throw error;
  }
}

/** The file, or the place where one would be found, and the plugin files it names. */
function watch(shell: Shell, { reader, latest }: Prepared, changed: () => void): () => void {
  const files = (): string[] => {
    const { config } = latest();
    const entries = [...config.pipeline, ...config.upstreams.flatMap(({ pipeline }) => pipeline)];
    const own = entries.filter(({ plugin }) => /[\\/]/.test(plugin)).map(({ plugin }) => plugin);
    return [reader.file() ?? `${shell.cwd}/gateway.yaml`, ...own];
  };
  return watchFiles(files, changed);
}
