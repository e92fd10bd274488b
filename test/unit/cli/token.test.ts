// `sluice token`: what it prints where, how it ends, and which file it means.
import { expect, test } from 'bun:test';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mintKey, readKeys } from '../../../plugins/auth/key-file.ts';
import { Home } from './child.ts';

const KEY = /^sluice_([a-z2-7]{12})_[0-9A-Za-z]{49}\n$/;

const idIn = (out: string): string => KEY.exec(out)?.[1] ?? '';

test('the key is on stdout, once and alone; lists have ids', async () => {
  await using home = new Home();
  const minted = await home.run([
    ...['token', 'mint', 'ada', '--tenant', 'north', '--scope', 'mcp:use', '--scope', 'mcp:admin'],
    ...['--group', 'ops', '--expires', '2099-01-31', '--note', 'for ci'],
  ]);
  expect(minted.code).toBe(0);
  expect(minted.out).toMatch(KEY);
  const id = idIn(minted.out);
  expect(minted.err).toContain(
    `key ${id} of north/ada, until 2099-01-31T00:00:00.000Z; it is shown this once`,
  );
  const file = home.path('state', 'sluice', 'api-keys.json');
  const shown = await home.run(['token', 'list']);
  expect(shown.out).toBe(`${id}  north/ada  valid  2099-01-31T00:00:00.000Z  mcp:use mcp:admin  for ci\n`);
  const listed = await home.run(['token', 'list', '--json']);
  expect(JSON.parse(listed.out)).toEqual({
    version: 1,
    file,
    keys: [
      {
        id,
        principal: 'ada',
        tenant: 'north',
        scopes: ['mcp:use', 'mcp:admin'],
        groups: ['ops'],
        created: expect.stringMatching(/^20.*Z$/),
        expires: '2099-01-31T00:00:00.000Z',
        note: 'for ci',
        state: 'valid',
      },
    ],
  });
  const secret = minted.out.trim().slice(-49);
  for (const said of [minted.err, shown.out, shown.err, listed.out, listed.err, readFileSync(file, 'utf8')])
    expect(said).not.toContain(secret.slice(0, 43));
});

test('with --json there is the key and what it is good for', async () => {
  await using home = new Home();
  const { out } = await home.run(['token', 'mint', 'ci', '--expires', '90d', '--json']);
  const { key, id, expires, created, state } = JSON.parse(out);
  expect(`${key}\n`).toMatch(KEY);
  expect(idIn(`${key}\n`)).toBe(id);
  expect(Date.parse(expires) - Date.parse(created)).toBe(90 * 86_400_000);
  expect(state).toBe('valid');
});

test('a key is ended by its id, or by itself; a name that was mistyped ends nothing', async () => {
  await using home = new Home();
  const file = home.path('state', 'sluice', 'api-keys.json');
  const keys = ['a', 'b'].map((principal) => mintKey(file, { principal }, Date.now()));
  const [a = '', b = ''] = keys.map(({ entry }) => entry.id);
  const typo = a.slice(0, -1) + (a.endsWith('2') ? '3' : '2');
  const ended = () => readKeys(file).map(({ revoked }) => revoked !== undefined);
  expect(await home.run(['token', 'revoke', b, typo])).toMatchObject({
    code: 1,
    out: '',
    err: expect.stringContaining(`did you mean ${a}?`),
  });
  expect(ended()).toEqual([false, false]);
  expect(await home.run(['token', 'revoke', a])).toEqual({ code: 0, out: `revoked ${a}\n`, err: '' });
  expect(await home.run(['token', 'revoke', a, keys[1]?.key ?? ''])).toMatchObject({
    code: 0,
    out: `revoked ${b}\n`,
    err: expect.stringContaining(`${a} was revoked at 20`),
  });
  expect(ended()).toEqual([true, true]);
});

test('what is ended is told with --json, too', async () => {
  await using home = new Home();
  const { entry } = mintKey(home.path('keys.json'), { principal: 'ada' }, Date.now());
  const { out } = await home.run(['token', 'revoke', entry.id, '--file', 'keys.json', '--json']);
  expect(JSON.parse(out).keys).toMatchObject([{ id: entry.id, principal: 'ada', state: 'revoked' }]);
});

test.each([
  [['mint'], 2, /missing required argument/],
  [['mint', 'ada', '--expires', 'tomorrow'], 2, /"tomorrow" is no time/],
  [['mint', 'ada', '--expires', '2001-01-01'], 1, /expired already/],
  [['mint', 'anonymous'], 1, /prove nothing/],
  [['mint', 'ada', '--scope', 'a b'], 1, /scopes\[0\]/],
  [['revoke'], 2, /missing required argument/],
  [['revoke', 'aaaaaaaaaaaa'], 1, /there is no key "aaaaaaaaaaaa"/],
  [['remove', 'x'], 2, /Did you mean revoke/],
])('token %j ends with %d and says why', async (args, code, says) => {
  await using home = new Home();
  const done = await home.run(['token', ...args]);
  expect(done).toMatchObject({ code, out: '', err: expect.stringMatching(says) });
});

test('a file that is none is told, and stays', async () => {
  await using home = new Home();
  mkdirSync(home.path('state', 'sluice'), { recursive: true });
  const file = home.path('state', 'sluice', 'api-keys.json');
  writeFileSync(file, '{"version":1,"keys":[{}]}', { mode: 0o600 });
  for (const args of [['mint', 'ada'], ['list'], ['revoke', 'aaaaaaaaaaaa']]) {
    const done = await home.run(['token', ...args]);
    expect(done).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('holds no API keys: keys[0].id'),
    });
  }
  expect(readFileSync(file, 'utf8')).toBe('{"version":1,"keys":[{}]}');
});

test('a file that is named is the one, whatever the configuration says', async () => {
  await using home = new Home();
  home.write('gateway.yaml', 'upstreams: { x: { url: 1 } }\n');
  expect((await home.run(['token', 'mint', 'ada'])).code).toBe(78);
  const { code, err } = await home.run(['token', 'mint', 'ada', '--file', 'mine.json']);
  expect({ code, err }).toEqual({ code: 0, err: expect.not.stringContaining('below `pipeline:`') });
  expect(existsSync(home.path('mine.json'))).toBe(true);
});

const withAuth = (options: string): string => `pipeline: [ { auth: ${options} } ]
upstreams: { demo: { builtin: demo } }
`;

test('the file is the one that the configuration names, from its state directory on', async () => {
  await using home = new Home();
  home.write('gateway.yaml', `state: { dir: ./own }\n${withAuth('{ api_keys: { file: team.json } }')}`);
  const { err } = await home.run(['token', 'mint', 'ada']);
  expect(err).not.toContain('pipeline');
  expect(existsSync(home.path('own', 'team.json'))).toBe(true);
  home.write('gateway.yaml', `state: { dir: ./own }\nupstreams: { demo: { builtin: demo } }\n`);
  expect((await home.run(['token', 'mint', 'ada'])).err).toContain(
    'no gateway with this configuration reads it',
  );
  expect(existsSync(home.path('own', 'api-keys.json'))).toBe(true);
});

test('of several files none is guessed', async () => {
  await using home = new Home();
  const [a, b] = ['a', 'b'].map(
    (id) => `{ id: ${id}, auth: { api_keys: { file: ${id}.json } }, when: { endpoints: [/${id}] } }`,
  );
  const rest = 'endpoints: { /a: {}, /b: {} }\nupstreams: { demo: { builtin: demo } }\n';
  home.write('gateway.yaml', `pipeline: [ ${a}, ${b} ]\n${rest}`);
  const { code, err } = await home.run(['token', 'list']);
  expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/say --file: .*a\.json, .*b\.json/) });
});

test('a file that would end the start is told by check, too', async () => {
  await using home = new Home();
  home.write('gateway.yaml', `state: { dir: . }\n${withAuth('{ api_keys: {} }')}`);
  expect((await home.run(['check'])).code).toBe(0);
  writeFileSync(home.path('api-keys.json'), 'oh no', { mode: 0o600 });
  const told = await home.run(['check']);
  expect(told).toMatchObject({ code: 78, err: expect.stringContaining('is not JSON') });
  const started = await home.run(['run']);
  expect(started).toMatchObject({ code: 78, err: expect.stringContaining('is not JSON') });
});
