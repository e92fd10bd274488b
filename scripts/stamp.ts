// What a build says of itself. Taken from package.json and the commit, never from the clock, so that it is repeatable.
import { join } from 'node:path';

export interface Stamp {
  readonly version: string;
  /** The full hash, with `-dirty` behind it when tracked files differ; `unknown` outside of a repository. */
  readonly commit: string;
  /** SOURCE_DATE_EPOCH, or the date of the commit, as ISO 8601 in UTC. */
  readonly built: string;
}

/** Reads the stamp of the checkout at `root`. */
export async function readStamp(root: string): Promise<Stamp> {
  const { version } = (await Bun.file(join(root, 'package.json')).json()) as { version: string };
  const hash = git(root, 'rev-parse', 'HEAD');
  const isDirty = git(root, 'status', '--porcelain', '--untracked-files=no') !== '';
  const seconds = process.env.SOURCE_DATE_EPOCH || git(root, 'log', '-1', '--format=%ct') || '0';
  if (!/^\d+$/.test(seconds)) throw new Error(`SOURCE_DATE_EPOCH is "${seconds}", not a number of seconds`);
  return {
    version,
    commit: hash === '' ? 'unknown' : `${hash}${isDirty ? '-dirty' : ''}`,
    built: new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z'),
  };
}

function git(root: string, ...args: string[]): string {
  try {
    const { success, stdout } = Bun.spawnSync(['git', ...args], { cwd: root, stderr: 'ignore' });
    return success ? stdout.toString().trim() : '';
  } catch {
    return '';
  }
}
