// Where things lie on this system: the configuration, the state, the admin socket. Opens nothing.

import { join, resolve } from 'node:path';
import type { Shell } from './shell.ts';

type Place = Pick<Shell, 'env' | 'home' | 'platform' | 'cwd'>;

/** Where gateway.yaml is looked for when nobody names it, first match first. */
export function configCandidates({ env, home, platform, cwd }: Place): string[] {
  const own =
    platform === 'darwin'
      ? join(home, 'Library', 'Application Support', 'sluice')
      : platform === 'win32'
        ? join(env.APPDATA || join(home, 'AppData', 'Roaming'), 'sluice')
        : join(env.XDG_CONFIG_HOME || join(home, '.config'), 'sluice');
  const system = platform === 'win32' ? [] : ['/etc/sluice/gateway.yaml'];
  return [resolve(cwd, 'gateway.yaml'), join(own, 'gateway.yaml'), ...system];
}

/** The directory of what outlives a restart: as configured, as systemd gave it, or the user's own. */
export function stateDir({ env, home, platform }: Place, configured?: string): string {
  if (configured !== undefined) return configured;
  const given = env.STATE_DIRECTORY?.split(':')[0];
  if (given) return given;
  if (env.XDG_STATE_HOME) return join(env.XDG_STATE_HOME, 'sluice');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'sluice');
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'sluice');
  return join(home, '.local', 'state', 'sluice');
}

/** The admin socket unless the configuration names one. */
export function defaultSocket(place: Place, state: string): string {
  const runtime = place.env.RUNTIME_DIRECTORY?.split(':')[0] || place.env.XDG_RUNTIME_DIR;
  return join(runtime || state, 'sluice.sock');
}
