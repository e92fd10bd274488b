// What a plugin of a file writes to the log does not take the log with it when the plugin goes.
import { afterAll, expect, test } from 'bun:test';
import { Home, urlOf } from './child.ts';

const home = new Home();
afterAll(() => home[Symbol.asyncDispose]());

test('a plugin that logs and prints as it is set up, through generations that come and go', async () => {
  home.write(
    'telling.ts',
    `import { definePlugin, z } from 'sluice/plugin';
    export default definePlugin({ name: 'telling', api: 1, about: 'Tells.', schema: z.strictObject({}),
      setup(_, host) { console.log('printed'); host.log.info('told'); return {}; } });`,
  );
  home.write(
    'gateway.yaml',
    `listeners: [{ http: { listen: "127.0.0.1:0" } }]
admin: { listen: off, socket: ./admin.sock }
upstreams: { demo: { builtin: demo } }
pipeline: [./telling.ts]
`,
  );
  const gateway = home.start(['run']);
  await urlOf(gateway);
  const unix = home.path('admin.sock');
  const reload = (dryRun: boolean) =>
    fetch('http://localhost/reload', { unix, method: 'POST', body: JSON.stringify({ dryRun }) });
  for (let n = 0; n < 6; n++) expect((await reload(n % 2 === 0)).status).toBe(200);
  await gateway.until(/"generation":4/);
  expect(gateway.err.split('"msg":"told"').length - 1).toBe(7);
}, 20_000);
