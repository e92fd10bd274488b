// The operator's socket file, with what its operator can do where it cannot be had.

import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { claimSocket, SocketFault } from '../lib/socket-file.ts';
import { AdminFault, codeOf } from './fault.ts';

/**
 * As `claimSocket`, for the owner alone.
 * @throws AdminFault when another process answers there, or the path cannot be used
 */
export async function claimAdminSocket<Server extends { stop(force: boolean): unknown }>(
  path: string,
  bind: (path: string) => Server,
) {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return await claimSocket(path, 0o600, bind, (server) => void server.stop(true));
  } catch (error) {
    throw faultOf(error, path);
  }
}

function faultOf(error: unknown, path: string): AdminFault {
  const kind = error instanceof SocketFault ? error.kind : undefined;
  switch (kind) {
    case 'living':
      return new AdminFault(
        'taken',
        `already running: a gateway answers on ${path}`,
        'stop that one, or give this one its own `admin: { socket: …, listen: … }`',
      );
    case 'foreign':
      return new AdminFault(
        'taken',
        `${path} exists and is not a socket`,
        'move it away, or set admin.socket',
      );
    case 'long':
      return new AdminFault(
        'unusable',
        `the path of the admin socket is too long: ${path}`,
        'set admin.socket in gateway.yaml to a shorter one',
      );
    case undefined:
      return new AdminFault(
        'unusable',
        `cannot open the admin socket ${path}: ${codeOf(error) ?? String(error)}`,
        'set admin.socket in gateway.yaml',
      );
  }
}
