// A gateway whose log nobody reads: it serves on, and says later what is missing.
import { expect, test } from 'bun:test';
import { closeSync, constants, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { call } from '../../fixtures/clients.ts';
import { until } from '../../fixtures/until.ts';
import { demoConfig, Home } from './child.ts';

const MAIN = join(import.meta.dir, '../../../src/main.ts');

/** What waits in the pipe now. */
function drain(fd: number): string {
  const bytes = Buffer.alloc(1 << 16);
  let text = '';
  for (;;) {
    try {
      const read = readSync(fd, bytes);
      if (read === 0) return text;
      text += bytes.subarray(0, read).toString();
    } catch {
      return text;
    }
  }
}

test('a stderr that nobody reads holds nothing up, what a plugin prints included', async () => {
  await using home = new Home();
  home.write(
    'chatty.ts',
    `import { definePlugin, z } from 'sluice/plugin';
     export default definePlugin({ name: 'chatty', api: 1, about: '', schema: z.strictObject({}), setup: () => ({
       onRequest() { console.log('x'.repeat(1000)); process.stderr.write('y'.repeat(1000)); } }) });`,
  );
  const config = `${demoConfig()}limits: { log_buffer: 8KiB }\npipeline: [./chatty.ts]\n`;
  writeFileSync(home.path('gateway.yaml'), config);
  const fifo = home.path('log');
  expect(Bun.spawnSync(['mkfifo', fifo]).exitCode).toBe(0);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(fifo, constants.O_WRONLY);
  const child = Bun.spawn([process.execPath, MAIN, 'run'], {
    cwd: home.dir,
    env: home.env(),
    stdio: ['ignore', 'ignore', writer],
  });
  closeSync(writer);
  try {
    let log = '';
    const grown = (part: RegExp) =>
      until(() => {
        log += drain(reader);
        return part.test(log);
      });
    await grown(/"url":"(http[^"]+)"/);
    const url = /"url":"(http[^"]+)"/.exec(log)?.[1] ?? '';
    for (let i = 0; i < 100; i++) expect((await call(url, 'echo', { text: 'hi' })).status).toBe(200);
    await grown(/log lines left out: nobody read them in time/);
    child.kill('SIGTERM');
    await grown(/"msg":"stopped"/);
    expect(await child.exited).toBe(0);
    const missing = [...log.matchAll(/"lines":(\d+)/g)].reduce((sum, [, lines]) => sum + Number(lines), 0);
    expect(missing).toBeGreaterThan(10);
  } finally {
    child.kill('SIGKILL');
    closeSync(reader);
  }
});
