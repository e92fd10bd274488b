// A Unix socket file that only those it is meant for can open: claimed when nobody answers on it, and given back at
// the end.

import {
  accessSync,
  chmodSync,
  constants,
  linkSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Why a socket file cannot be had. */
export class SocketFault extends Error {
  /** @param kind `living`: somebody answers there · `foreign`: a file that is no socket · `long`: beyond what an address holds */
  constructor(
    readonly kind: 'living' | 'foreign' | 'long',
    message: string,
  ) {
    super(message);
  }
}

/** Systems take about 104 bytes, the closing zero included. */
const LONGEST = 103;

/**
 * Binds a server to `path`. It is bound in a directory nobody else can enter and gets its name when its mode is
 * right, so that there is no moment at which others can connect.
 * @param bind starts a server on the socket file it is given
 * @param undo ends one that could not get its name
 * @returns the server, and what removes the file again unless it has become another's
 * @throws SocketFault, or the system's error
 */
export async function claimSocket<Server>(
  path: string,
  mode: number,
  bind: (path: string) => Server | Promise<Server>,
  undo: (server: Server) => void,
): Promise<{ server: Server; release: () => void }> {
  await refuseLiving(within(path));
  const aside = mkdtempSync(join(dirname(path), '.s'));
  try {
    const bound = within(join(aside, 's'));
    const server = await bind(bound);
    try {
      const inode = settle(bound, path, mode);
      return { server, release: () => removeOwn(path, inode) };
    } catch (error) {
      undo(server);
      throw error;
    }
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function within(path: string): string {
  if (Buffer.byteLength(path) <= LONGEST) return path;
  throw new SocketFault('long', `the path is too long: ${path}`);
}

/** Gives the bound socket its name and returns its inode. A file left behind by a dead process makes way. */
function settle(bound: string, path: string, mode: number): bigint {
  chmodSync(bound, mode);
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
  if (!found.isSocket()) throw new SocketFault('foreign', `${path} exists and is not a socket`);
  if (await answers(path)) throw new SocketFault('living', `somebody answers on ${path}`);
}

/**
 * Whether somebody is there, or may be. A connection that fails is not enough: the runtime calls every failure
 * ECONNREFUSED (Bun 1.4.5), and a socket that is not ours to open, or takes no connections, is in use all the same.
 */
async function answers(path: string): Promise<boolean> {
  try {
    accessSync(path, constants.W_OK);
    const connection = await Bun.connect({ unix: path, socket: { data() {} } });
    connection.end();
    return true;
  } catch (error) {
    const isRefused = codeOf(error) === 'ECONNREFUSED' || codeOf(error) === 'ENOENT';
    return !isRefused || isBound(path);
  }
}

/** Whether the system lists the path as that of an open socket; only Linux tells. */
function isBound(path: string): boolean {
  try {
    return readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .some((line) => line.endsWith(` ${path}`));
  } catch {
    return false;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
