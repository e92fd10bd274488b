// `bun run smoke`: the compiled binary of this machine, used as its users do. Builds dist/sluice if it is not there.
//   bun run smoke reload demo     only these of test/smoke
//   SLUICE_BINARY=PATH            another binary, such as one that was downloaded
// Tells size, time to start and memory; judges none of them.
import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { binary, root, Sandbox } from '../test/smoke/sandbox.ts';

const bun = [process.execPath, '--no-install', '--no-env-file'];
const began = performance.now();

if (!existsSync(binary)) {
  if (process.env.SLUICE_BINARY) fail(`there is no ${binary}`);
  if ((await spawned([...bun, 'build.ts'])) !== 0) fail('the build failed');
}
await tell();
const code = await spawned([...bun, 'test', '--timeout=30000', ...chosen(process.argv.slice(2))]);
console.log(
  `\nsmoke: ${code === 0 ? 'ok' : 'FAILED'} in ${((performance.now() - began) / 1000).toFixed(1)} s`,
);
process.exit(code);

/** Their names keep `bun test` from running them by itself: they need a binary. */
function chosen(names: readonly string[]): string[] {
  const all = [...new Bun.Glob('*.smoke.ts').scanSync({ cwd: join(root, 'test/smoke') })].sort();
  const wanted = all.filter((file) => names.length === 0 || names.includes(basename(file, '.smoke.ts')));
  if (wanted.length === 0) fail(`there are ${all.map((file) => basename(file, '.smoke.ts')).join(', ')}`);
  return wanted.map((file) => `./test/smoke/${file}`);
}

async function spawned(cmd: string[]): Promise<number> {
  const child = Bun.spawn({ cmd, cwd: root, stdio: ['inherit', 'inherit', 'inherit'] });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, pass);
  const status = await child.exited;
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, pass);
  return status;
}

/** One line of figures: the binary, five starts of the demo, and its memory when it has nothing to do. */
async function tell(): Promise<void> {
  const config =
    'listeners: [{ http: { listen: 127.0.0.1:0 } }]\nadmin: { listen: off }\nupstreams: { demo: { builtin: demo } }\n';
  await using sandbox = await Sandbox.open({ 'gateway.yaml': config });
  const starts: number[] = [];
  let memory: number | undefined;
  for (let run = 0; run < 5; run++) {
    const start = performance.now();
    const gateway = sandbox.start(['run']);
    const url = await gateway.url();
    await fetch(url, { method: 'OPTIONS' });
    starts.push(performance.now() - start);
    memory ??= residentOf(gateway.pid);
    await gateway.stop();
  }
  const [first = 0, ...others] = starts.map(Math.round);
  const usual = others.sort((a, b) => a - b)[Math.floor(others.length / 2)];
  const size = (statSync(binary).size / 1e6).toFixed(1);
  const resident = memory === undefined ? '' : ` · ${memory.toFixed(0)} MB resident`;
  console.log(`${binary}: ${size} MB · ready in ${first} ms at first, then ${usual} ms${resident}`);
}

/** MB, where there is a `ps`. */
function residentOf(pid: number): number | undefined {
  if (!Bun.which('ps')) return undefined;
  const { stdout } = Bun.spawnSync(['ps', '-o', 'rss=', '-p', String(pid)]);
  const kilobytes = Number(stdout.toString().trim());
  return kilobytes > 0 ? kilobytes / 1000 : undefined;
}

function fail(why: string): never {
  console.error(`smoke: ${why}`);
  process.exit(2);
}
