// `bun run check`: what to run before a commit. Every step runs; the last line says which ones failed.
import { join } from 'node:path';

const root = join(import.meta.dir, '..');
const bun = [process.execPath, '--no-install', '--no-env-file'];

const steps: Record<string, string[]> = {
  types: [...bun, 'run', 'tsc', '--noEmit'],
  'format and lint': [...bun, 'run', 'biome', 'check'],
  'generated files': [...bun, 'scripts/gen.ts', '--check'],
  'house tests': [...bun, 'test', '--only-failures', './test/house'],
};

const failed: string[] = [];
for (const [name, cmd] of Object.entries(steps)) {
  const start = performance.now();
  const code = await Bun.spawn({ cmd, cwd: root, stdio: ['inherit', 'inherit', 'inherit'] }).exited;
  if (code !== 0) failed.push(name);
  console.log(
    `${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`,
  );
}
console.log(failed.length === 0 ? 'All checks passed.' : `Failed: ${failed.join(', ')}.`);
process.exitCode = failed.length === 0 ? 0 : 1;
