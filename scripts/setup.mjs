// Makes sure the pinned Bun and the locked dependencies are in node_modules. Plain Node, no dependencies.
// Knows nothing of what is run afterwards; that is scripts/bun.mjs.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stampFile = join(modules, '.sluice-setup');
const lockFile = join(modules, '.sluice-setup.lock');
const bootstrapDir = join(modules, '.sluice-bun');
const exe = process.platform === 'win32' ? 'bun.exe' : 'bun';

/** A failure of the setup: its message says what to do. */
export class SetupError extends Error {}

/** Returns the path of the pinned Bun, after installing what is missing or out of date. */
export function ensureBun() {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new SetupError(`Node.js 20 or newer is needed, this is ${process.versions.node}.`);
  }
  const ready = freshBun();
  if (ready) return ready;
  mkdirSync(modules, { recursive: true });
  return withLock(() => freshBun() ?? install());
}

function install() {
  const version = pinnedVersion();
  const installer = localBun(version) ?? bunOnPath(version) ?? bunFromNpm(version) ?? bunOnPath();
  if (!installer) {
    throw new SetupError(`neither npm nor Bun was found: install Node.js 20+ with npm, or Bun ${version}.`);
  }
  say('installing dependencies from bun.lock');
  rmSync(join(modules, '.package-lock.json'), { force: true });
  const done = spawnSync(
    installer,
    ['--no-env-file', 'install', '--frozen-lockfile', '--no-progress'],
    capture(root),
  );
  if (done.status !== 0) throw new SetupError(`bun install failed.\n${output(done)}\n${installHint(done)}`);
  // An npm configuration that omits optional packages leaves only the one fetched first.
  const bun = localBun(version) ?? localBun(version, join(bootstrapDir, 'node_modules'));
  if (!bun) {
    throw new SetupError(
      `no Bun ${version} for ${process.platform}-${process.arch} was installed. Remove node_modules and try again.`,
    );
  }
  if (!bun.startsWith(bootstrapDir)) rmSync(bootstrapDir, { recursive: true, force: true });
  writeFileSync(stampFile, `${fingerprint()}\n${relative(root, bun)}\n`);
  return bun;
}

/** The Bun of an earlier setup, if nothing it was made from has changed since. */
function freshBun() {
  // npm writes this file when somebody runs `npm install`, which does not follow bun.lock.
  if (!existsSync(stampFile) || existsSync(join(modules, '.package-lock.json'))) return undefined;
  const [print, path = ''] = readFileSync(stampFile, 'utf8').split('\n');
  const bun = join(root, path);
  return print === fingerprint() && path !== '' && existsSync(bun) ? bun : undefined;
}

function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  for (const name of ['package.json', 'bun.lock']) hash.update(readFileSync(join(root, name)));
  return hash.digest('hex');
}

function pinnedVersion() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies.bun;
}

/**
 * Bun inside a node_modules folder. The `bun` package's own binary is a placeholder until its postinstall has
 * run, which npm and Bun may both forbid; the platform package beside it always holds the real one.
 */
function localBun(version, folder = modules) {
  const candidates = [join(folder, 'bun', 'bin', 'bun.exe')];
  const platforms = join(folder, '@oven');
  if (existsSync(platforms)) {
    for (const name of readdirSync(platforms)) candidates.push(join(platforms, name, 'bin', exe));
  }
  return candidates.find((path) => existsSync(path) && versionOf(path) === version);
}

function bunOnPath(version) {
  const found = versionOf('bun');
  return found !== undefined && (version === undefined || found === version) ? 'bun' : undefined;
}

function versionOf(command) {
  const asked = spawnSync(command, ['--version'], { encoding: 'utf8', timeout: 20_000 });
  return asked.status === 0 ? asked.stdout.trim() : undefined;
}

function bunFromNpm(version) {
  say(`fetching Bun ${version} with npm`);
  mkdirSync(bootstrapDir, { recursive: true });
  // Scripts stay off: whether npm would run them depends on its version and on the user's settings.
  const done = npm([
    'install',
    '--prefix',
    bootstrapDir,
    '--no-save',
    '--no-package-lock',
    '--ignore-scripts',
    '--include=optional',
    '--install-strategy=hoisted',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    `bun@${version}`,
  ]);
  if (done.error?.code === 'ENOENT') return undefined;
  if (done.status !== 0)
    throw new SetupError(`npm could not fetch Bun.\n${output(done)}\n${installHint(done)}`);
  const bun = localBun(version, join(bootstrapDir, 'node_modules'));
  if (!bun) throw new SetupError(`Bun ${version} does not run on ${process.platform}-${process.arch}.`);
  return bun;
}

function npm(args) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith(`${sep}npm-cli.js`)) return spawnSync(process.execPath, [cli, ...args], capture(root));
  // On Windows npm is a .cmd file, which only a shell can start.
  return process.platform === 'win32'
    ? spawnSync(
        'npm',
        args.map((arg) => `"${arg}"`),
        { ...capture(root), shell: true },
      )
    : spawnSync('npm', args, capture(root));
}

function capture(cwd) {
  return { cwd, encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'pipe'] };
}

function output(done) {
  return `${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}`.trim();
}

function installHint(done) {
  const text = output(done);
  if (/lockfile.*frozen|frozen.*lockfile/i.test(text)) {
    return 'package.json and bun.lock disagree: run `node_modules/.bin/bun install` and commit bun.lock.';
  }
  if (/ENOSPC|No space left/i.test(text)) return 'The disk is full: about 600 MB are needed.';
  return 'Is the npm registry reachable from here (proxy, certificates)? Then run the same command again.';
}

/** One setup at a time per checkout: `npm start` and `npm test` may be typed at once. */
function withLock(work) {
  for (let waited = 0; !tryLock(); waited += 1) {
    if (waited === 0) say('waiting for another setup in this checkout');
    if (waited === 1500) throw new SetupError(`still locked after five minutes: remove ${lockFile}.`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  try {
    return work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

function tryLock() {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  if (!ownerAlive()) rmSync(lockFile, { force: true });
  return false;
}

function ownerAlive() {
  try {
    process.kill(Number(readFileSync(lockFile, 'utf8')), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Progress goes to stderr: stdout may belong to an MCP client. */
export function say(text) {
  process.stderr.write(`sluice: ${text}\n`);
}
