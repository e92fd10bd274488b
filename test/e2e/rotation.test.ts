// Secrets that change under a running gateway: who calls does not notice, and upstreams get the new one.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that
import { afterEach, expect, test } from 'bun:test';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { call, openSession } from '../fixtures/clients.ts';
import { answer, json } from '../fixtures/rogue.ts';
import { running } from '../fixtures/running.ts';
import { until } from '../fixtures/until.ts';
import { Home, urlOf } from '../unit/cli/child.ts';

const run = running();
const homes: Home[] = [];
afterEach(() => Promise.all(homes.splice(0).map((home) => home[Symbol.asyncDispose]())));

/** `canary-1`, `canary-2` …: told apart in headers, looked for in outputs. */
const value = (version: number): string => `canary-secret-of-more-than-32-bytes-${version}`;

/** As Kubernetes and systemd put secrets there: in a folder that a link is swapped for. */
function mount(home: Home, version: number, name = 'up'): void {
  mkdirSync(home.path(`v${version}`));
  writeFileSync(home.path(`v${version}`, name), `${value(version)}\n`);
  symlinkSync(`v${version}`, home.path('next'));
  renameSync(home.path('next'), home.path('creds'));
}

function place(upstreams: Record<string, unknown>) {
  const home = new Home();
  homes.push(home);
  const config = {
    listeners: [{ http: { listen: '127.0.0.1:0' } }],
    admin: { listen: 'off', socket: './admin.sock' },
    telemetry: { log: { level: 'debug' } },
    upstreams,
  };
  home.write('gateway.yaml', stringify(config));
  const env = { CREDENTIALS_DIRECTORY: home.path('creds') };
  return { home, start: () => home.start(['run'], { env }) };
}

for (const era of ['2025', '2026'] as const) {
  test(`a link that is swapped: calls at work end with the old value, the next have the new one (${era})`, async () => {
    const release = Promise.withResolvers<void>();
    const rogue = await run.rogue(
      async (hit, res) => {
        if (hit.message.params?.name === 'slow') await release.promise;
        return json(res, answer(hit));
      },
      { era },
    );
    const { home, start } = place({
      up: { url: rogue.url, headers: { Authorization: 'Bearer ${secret:up}' } },
    });
    mount(home, 1);
    const gateway = start();
    const url = await urlOf(gateway);
    const session = await openSession(url);
    const slow = session.call('slow');
    await rogue.nth('tools/call');
    mount(home, 2);
    await gateway.until(/"generation":2/);
    expect(await (await session.call('quick')).messages()).toMatchObject([{ result: {} }]);
    expect(await (await call(url, 'quick')).messages()).toMatchObject([{ result: {} }]);
    release.resolve();
    expect(await (await slow).messages()).toMatchObject([{ result: {} }]);
    const sent = rogue
      .of('tools/call')
      .map(({ headers, message }) => `${message.params?.name} ${headers.authorization}`);
    expect(sent).toEqual([`slow Bearer ${value(1)}`, `quick Bearer ${value(2)}`, `quick Bearer ${value(2)}`]);
    expect(gateway.said).toContain('"what":"upstreams.up.headers.Authorization"');
    expect(gateway.said).not.toContain('canary');
  });
}

test('the key of a plugin, put away with `sluice secrets set` while it runs', async () => {
  const rogue = await run.rogue((hit, res) => json(res, answer(hit)));
  const signing = { scheme: 'api-key', keys: [{ api_key: 'k', api_secret: '${secret:up}' }] };
  const { home, start } = place({ up: { url: rogue.url, pipeline: [{ signing }] } });
  expect((await home.run(['secrets', 'set', 'up'], value(1))).code).toBe(0);
  const gateway = start();
  const url = await urlOf(gateway);
  await (await call(url, 'tool')).messages();
  expect((await home.run(['secrets', 'set', 'up'], value(2))).code).toBe(0);
  await gateway.until(/"generation":2/);
  await (await call(url, 'tool')).messages();
  expect(rogue.of('tools/call').map(({ headers }) => headers['x-api-secret'])).toEqual([value(1), value(2)]);
  // The same value again is another text in the file, and no reload.
  expect((await home.run(['secrets', 'set', 'up'], value(2))).code).toBe(0);
  expect((await home.run(['secrets', 'set', 'up'], value(3))).code).toBe(0);
  await gateway.until(/"generation":3/);
  await (await call(url, 'tool')).messages();
  expect(rogue.of('tools/call').at(-1)?.headers['x-api-secret']).toBe(value(3));
  expect(gateway.said).not.toContain('canary');
});

test('what cannot be read changes nothing, and is told; what comes back, too', async () => {
  const rogue = await run.rogue((hit, res) => json(res, answer(hit)));
  const { home, start } = place({ up: { url: rogue.url, headers: { 'X-Key': '${file:./key}' } } });
  home.write('key', value(1));
  const gateway = start();
  const url = await urlOf(gateway);
  const sound = async () =>
    (await fetch('http://localhost/metrics', { unix: home.path('admin.sock') })
      .then((reply) => reply.text())
      .then((text) => /^sluice_config_last_reload_success (\d)$/m.exec(text)?.[1])) ?? '';
  rmSync(home.path('key'));
  await gateway.until(/reload refused, nothing changed/);
  expect(await sound()).toBe('0');
  expect(await (await call(url, 'tool')).messages()).toMatchObject([{ result: {} }]);
  home.write('key', value(1));
  await until(async () => (await sound()) === '1');
  home.write('key', value(2));
  await gateway.until(/"generation":2/);
  await (await call(url, 'tool')).messages();
  expect(rogue.of('tools/call').map(({ headers }) => headers['x-key'])).toEqual([value(1), value(2)]);
});

test('a configuration that is being edited is not taken with it, and SIGHUP takes both', async () => {
  const rogue = await run.rogue((hit, res) => json(res, answer(hit)));
  const { home, start } = place({ up: { url: rogue.url, headers: { 'X-Key': '${secret:up}' } } });
  mount(home, 1);
  const gateway = start();
  const url = await urlOf(gateway);
  home.write('gateway.yaml', 'upstreams: { half: ');
  mount(home, 2);
  await gateway.until(/"generation":2/);
  await (await call(url, 'tool')).messages();
  expect(rogue.of('tools/call').at(-1)?.headers['x-key']).toBe(value(2));
  gateway.signal('SIGHUP');
  await gateway.until(/reload refused, nothing changed/);
});
