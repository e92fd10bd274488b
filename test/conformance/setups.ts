// What the suite is pointed at: the fixture alone, or the gateway in front of it over each transport and era.
import { plainConfig, startGateway } from '../fixtures/gateway.ts';
import { serveTasks } from '../fixtures/tasks/http.ts';
import { type Era, everythingStdio, startEverythingHttp } from '../fixtures/upstreams.ts';

/** Something that answers at a URL until it is stopped. `log` is what the gateway wrote, if there is one. */
export interface Setup {
  readonly url: string;
  log(): string;
  stop(): Promise<void>;
}

/** `direct`, or how the gateway reaches its upstream: TRANSPORT or TRANSPORT-ERA. */
export const setupNames = [
  'direct',
  'http',
  'stdio',
  'http-2025',
  'http-2026',
  'stdio-2025',
  'stdio-2026',
] as const;
export type SetupName = (typeof setupNames)[number];

/** Starts a setup on free ports. */
export async function startSetup(name: SetupName): Promise<Setup> {
  if (name === 'direct') {
    const { url, stop } = await startEverythingHttp();
    return { url, log: () => '', stop };
  }
  const [transport, suffix] = name.split('-');
  const era: Era = suffix === '2025' || suffix === '2026' ? suffix : 'both';
  if (transport === 'stdio') return behindGateway(everythingStdio({ era }));
  const upstream = await startEverythingHttp({ era });
  try {
    return await behindGateway({ url: upstream.url }, upstream.stop);
  } catch (error) {
    await upstream.stop();
    throw error;
  }
}

/** The fixture of the tasks extension: alone, or with the gateway before it. */
export async function startTasksSetup(direct: boolean): Promise<Setup> {
  const upstream = serveTasks();
  if (direct) return { url: upstream.url, log: () => '', stop: upstream.stop };
  return behindGateway({ url: upstream.url }, upstream.stop);
}

async function behindGateway(upstream: object, stopUpstream?: () => Promise<void>): Promise<Setup> {
  const gateway = await startGateway(plainConfig({ everything: upstream }));
  return {
    url: gateway.url,
    log: gateway.log,
    async stop() {
      await gateway.stop();
      await stopUpstream?.();
    },
  };
}
