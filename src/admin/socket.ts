// A Unix socket that only its owner can open: claimed when nobody answers on it, and given back at the end.

import { chmodSync, linkSync, lstatSync, mkdirSync, mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AdminFault, codeOf } from './fault.ts';

/** Systems take about 104 bytes, the closing zero included. */
const LONGEST = 103;

/**
 * Binds a server to `path` with mode 0600. It is bound in a directory nobody else can enter and gets its name when
 * its mode is right, so that there is no moment at which others can connect.
 * @param bind starts a server on the socket file it is given
 * @returns the server, and what removes the file again unless it has become another's
 * @throws AdminFault when another process answers there, or the path cannot be used
 */
export async function claimSocket<Server>(
  path: string,
  bind: (path: string) => Server,
): Promise<{ server: Server; release: () => void }> {
  const dir = dirname(path);
  let aside: string | undefined;
  try {
    await refuseLiving(within(path));
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    aside = mkdtempSync(join(dir, '.s'));
    const server = bind(within(join(aside, 's')));
    const inode = settle(join(aside, 's'), path);
    return { server, release: () => removeOwn(path, inode) };
  } catch (error) {
    if (error instanceof AdminFault) throw error;
    const why = codeOf(error) ?? String(error);
    throw new AdminFault(
      'unusable',
      `cannot open the admin socket ${path}: ${why}`,
      'set admin.socket in gateway.yaml',
    );
  } finally {
    if (aside !== undefined) rmSync(aside, { recursive: true, force: true });
  }
}

function within(path: string): string {
  if (Buffer.byteLength(path) <= LONGEST) return path;
  throw new AdminFault(
    'unusable',
    `the path of the admin socket is too long: ${path}`,
    'set admin.socket in gateway.yaml to a shorter one',
  );
}

/** Gives the bound socket its name and returns its inode. A file left behind by a dead process makes way. */
function settle(bound: string, path: string): bigint {
  chmodSync(bound, 0o600);
  try {
    linkSync(bound, path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    unlinkSync(path);
    linkSync(bound, path);
  }
  return lstatSync(path, { bigint: true }).ino;
}

function removeOwn(path: string, inode: bigint): void {
  if (lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino === inode) rmSync(path, { force: true });
}

async function refuseLiving(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new AdminFault('taken', `${path} exists and is not a socket`, 'move it away, or set admin.socket');
  if (await answers(path))
    throw new AdminFault(
      'taken',
      `already running: a gateway answers on ${path}`,
      'stop that one, or give this one its own `admin: { socket: …, listen: … }`',
    );
}

/** Whether a process accepts connections on a socket file. */
async function answers(path: string): Promise<boolean> {
  try {
    const connection = await Bun.connect({ unix: path, socket: { data() {} } });
    connection.end();
    return true;
  } catch (error) {
    // Only a refused connection proves that nobody is there.
    return codeOf(error) !== 'ECONNREFUSED' && codeOf(error) !== 'ENOENT';
  }
}
