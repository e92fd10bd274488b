// Makes ready what the interop tests start: the SDKs of other languages at pinned versions, under out/interop. Also
// a script: `bun test/interop/setup.ts`. A language this machine does not have is a reason to skip, not an error.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const peers = fileURLToPath(new URL('./peers', import.meta.url));
export const cache = fileURLToPath(new URL('../../out/interop', import.meta.url));

/** Milliseconds that a download or a build may take. */
const PATIENCE = 150_000;

/** The program that runs a peer, or why there is none. */
export type Ready = { readonly program: string } | { readonly missing: string };

export interface Languages {
  /** A Python whose `mcp` is 1.x, and one whose `mcp` is 2.x. */
  readonly python1: Ready;
  readonly python2: Ready;
  /** The peer itself, built. */
  readonly go: Ready;
  /** Runs the bundles in `cache`/typescript. */
  readonly node: Ready;
}

/** @throws where SLUICE_INTEROP is `all` and something is missing */
export async function prepare(): Promise<Languages> {
  mkdirSync(cache, { recursive: true });
  const [python1, python2, go, node] = await Promise.all([
    orReason(() => makeVenv('requirements-v1.txt')),
    orReason(() => makeVenv('requirements-v2.txt')),
    orReason(buildGo),
    orReason(bundleTypeScript),
  ]);
  return { python1, python2, go, node };
}

async function orReason(make: () => Promise<string>): Promise<Ready> {
  try {
    return { program: await make() };
  } catch (error) {
    if (process.env.SLUICE_INTEROP === 'all') throw error;
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

async function makeVenv(requirements: string): Promise<string> {
  const python = Bun.which('python3') ?? Bun.which('python');
  if (python === null) throw new Error('there is no python3 here');
  const version = (await output([python, '-c', 'import sys; print("%d.%d" % sys.version_info[:2])'])).trim();
  const list = join(peers, 'python', requirements);
  return once(`python-${version}`, [list], async (folder) => {
    await output([python, '-m', 'venv', folder]);
    const pip = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--retries=1',
      '--timeout=20',
    ];
    await output([pythonOf(folder), ...pip, '-r', list]);
  }).then(pythonOf);
}

function pythonOf(folder: string): string {
  return process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
}

async function buildGo(): Promise<string> {
  const go = Bun.which('go');
  if (go === null) throw new Error('there is no go here');
  const folder = join(peers, 'go');
  const version = (await output([go, 'env', 'GOVERSION'])).trim();
  const sources = readdirSync(folder).map((name) => join(folder, name));
  const peer = process.platform === 'win32' ? 'peer.exe' : 'peer';
  const build = (into: string) =>
    output([go, 'build', '-trimpath', '-mod=readonly', '-o', join(into, peer), '.'], folder, {
      GOTOOLCHAIN: 'local',
      GOWORK: 'off',
    });
  return join(await once(version, sources, build), peer);
}

/** Node is what most of the SDK's users run it on, and Node 20 reads no TypeScript. */
async function bundleTypeScript(): Promise<string> {
  const node = Bun.which('node');
  if (node === null) throw new Error('there is no node here');
  const names = ['client-v1.ts', 'client-v2.ts', 'server-v1.ts'];
  const entrypoints = names.map((name) => join(peers, 'typescript', name));
  await Bun.build({ entrypoints, outdir: join(cache, 'typescript'), target: 'node' });
  return node;
}

/** A folder that `make` fills once for these sources. */
async function once(
  name: string,
  sources: readonly string[],
  make: (folder: string) => Promise<unknown>,
): Promise<string> {
  const hash = createHash('sha256');
  for (const source of sources) hash.update(readFileSync(source));
  const folder = join(cache, `${name}-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  try {
    mkdirSync(unfinished);
    await make(unfinished);
    if (!existsSync(folder)) renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}

async function output(cmd: string[], cwd = cache, env: Record<string, string> = {}): Promise<string> {
  const child = Bun.spawn({
    cmd,
    cwd,
    env: { ...process.env, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: PATIENCE,
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) === 0) return out;
  throw new Error(
    `${cmd.slice(0, 4).join(' ')}… failed: ${err.trim().split('\n').slice(-3).join(' ').slice(-400)}`,
  );
}

if (import.meta.main) {
  for (const [name, ready] of Object.entries(await prepare())) {
    console.log(`${name}: ${'program' in ready ? ready.program : `skipped, ${ready.missing}`}`);
  }
}
