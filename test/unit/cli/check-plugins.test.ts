// What only plugins can say of a configuration: `sluice check` has it without setting one up, and a start says the same.
import { expect, test } from 'bun:test';
import { chmodSync } from 'node:fs';
import { demoConfig, Home } from './child.ts';

const SECRET = '0123456789abcdefABCDEFbcdefghijklmnopq';
const OVER = '2020-01-01T00:00:00Z';

const signed = (options: string, url = 'http://127.0.0.1:1/mcp') =>
  `upstreams:\n  up:\n    url: "${url}"\n    pipeline:\n      - signing: ${options}\n`;

async function told(home: Home): Promise<[number, unknown[]]> {
  const { code, out } = await home.run(['check', '--json'], '', { SECRET });
  const { diagnostics } = JSON.parse(out) as { diagnostics: Record<string, unknown>[] };
  return [code, diagnostics.map(({ line, code, severity, message }) => [line, code, severity, message])];
}

test('keys that are all past their time: told by check, and by run in the same words', async () => {
  await using home = new Home();
  const keys = `[{ id: a, secret: "\${env:SECRET}", not_after: "${OVER}" }]`;
  home.write('gateway.yaml', signed(`{ scheme: hmac-v1, keys: ${keys} }`));
  expect(await told(home)).toEqual([
    78,
    [[5, 'PLUGIN_OPTIONS', 'error', 'every key of the entry is past its not_after']],
  ]);
  const [checked, started] = [
    await home.run(['check'], '', { SECRET }),
    await home.run(['run'], '', { SECRET }),
  ];
  expect(started.code).toBe(78);
  expect(started.err).toBe(checked.err);
});

test('a query that SigV4 cannot sign', async () => {
  await using home = new Home();
  const keys = `[{ id: AKID, secret: "\${env:SECRET}" }]`;
  const options = `{ scheme: aws-sigv4, region: r, service: s, keys: ${keys} }`;
  home.write('gateway.yaml', signed(options, 'https://up.example/mcp?share=100%'));
  expect(await told(home)).toEqual([
    78,
    [[5, 'PLUGIN_OPTIONS', 'error', 'the query of the URL cannot be signed: a "%" in it begins no escape']],
  ]);
  home.write('gateway.yaml', signed(options, 'https://up.example/mcp?share=100%25'));
  expect(await told(home)).toEqual([0, []]);
});

test('a key file that is not there yet is a warning, one that others can write refuses', async () => {
  await using home = new Home();
  home.write('gateway.yaml', demoConfig('pipeline:\n  - auth: { api_keys: {} }\n'));
  const [code, [warning]] = await told(home);
  expect([code, warning]).toEqual([
    0,
    [7, 'PLUGIN_OPTIONS', 'warning', 'there is no key yet, so nobody gets in by one'],
  ]);
  expect((await home.run(['token', 'mint', 'ada'])).code).toBe(0);
  expect(await told(home)).toEqual([0, []]);
  const file = home.path('state', 'sluice', 'api-keys.json');
  chmodSync(file, 0o666);
  const message = `${file} can be written by others (mode 0666)`;
  expect(await told(home)).toEqual([78, [[7, 'PLUGIN_OPTIONS', 'error', message]]]);
});

test('a plugin of a file looks at its options, where they are and in time; it is never set up', async () => {
  await using home = new Home();
  home.write(
    'own.ts',
    `import { definePlugin, z } from 'sluice/plugin';
     export default definePlugin({ name: 'own', api: 1, about: 'x', schema: z.strictObject({ as: z.string() }),
       check({ as }, { upstream, urls }) {
         if (as === 'throws') throw new Error('no');
         if (as === 'hangs') return new Promise(() => {});
         return [{ path: ['as'], message: 'at ' + upstream + ' ' + urls, hint: 'do this' }];
       },
       setup() { throw new Error('set up'); } });`,
  );
  const write = (as: string) =>
    home.write(
      'gateway.yaml',
      `limits: { plugin_setup: 300ms }\nupstreams:\n  up: { url: "http://127.0.0.1:1/mcp", pipeline: [{ ./own.ts: { as: ${as} } }] }\n`,
    );
  write('said');
  expect(await told(home)).toEqual([78, [[3, 'PLUGIN_OPTIONS', 'error', 'at up http://127.0.0.1:1/mcp']]]);
  expect((await home.run(['check'])).err).toContain('^^^^  do this');
  write('throws');
  const failed = 'the plugin could not check its options: ';
  expect(await told(home)).toEqual([78, [[3, 'PLUGIN_SETUP', 'error', `${failed}no`]]]);
  write('hangs');
  const late = 'it took longer than limits.plugin_setup (300 ms)';
  expect(await told(home)).toEqual([78, [[3, 'PLUGIN_SETUP', 'error', `${failed}${late}`]]]);
});
