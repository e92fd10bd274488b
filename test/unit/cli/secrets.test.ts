// `sluice secrets`, and how a configuration finds what it has put away.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references of gateway.yaml look like that
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createReader } from '../../../src/cli/config.ts';
import { type Keychain, KeychainAway } from '../../../src/cli/keychain.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { type FakeShell, type FakeShellOptions, fakeShell, memoryKeychain } from '../../fixtures/shell.ts';

const CANARY = 'canary-4711';
const CONFIG = `
state: { dir: ./own }
upstreams:
  api: { url: http://x/mcp, headers: { Authorization: "Bearer \${secret:api}", X-B: "\${secret:b}" } }
  cmd: { command: x, env: { T: "\${secret:api}" } }
`;

const shells: FakeShell[] = [];
afterEach(() => {
  for (const shell of shells.splice(0)) shell[Symbol.dispose]();
});

/** A folder with a configuration in it; `with` is the same with something else. */
function place(options: FakeShellOptions = {}, config = CONFIG) {
  const shell = fakeShell(options);
  shells.push(shell);
  writeFileSync(join(shell.cwd, 'gateway.yaml'), config);
  const run = async (args: string, input = '', keychain: Keychain = shell.keychain) => {
    const stdin = { isTty: false, stream: () => new Response(input).body as ReadableStream<Uint8Array> };
    const code = await runProgram({ ...shell, stdin, keychain }, ['secrets', ...args.split(' ')]).catch(
      ({ exit, message, hint }) => ({ exit, message, hint }),
    );
    return { code, ...shell.said() };
  };
  const read = () => createReader(shell, undefined).read();
  const file = () => readFileSync(join(shell.cwd, 'own/secrets.json'), 'utf8');
  return { shell, run, read, file };
}

/** What the configuration makes of its secrets. */
async function valuesOf({ read }: ReturnType<typeof place>) {
  const result = await read();
  if (!result.ok) return result.diagnostics.map(({ code, message, hint }) => `${code} ${message}: ${hint}`);
  const [api, cmd] = result.config.upstreams;
  if (api?.kind !== 'url' || cmd?.kind !== 'command') throw new Error('another configuration');
  return [...Object.values(api.headers), ...Object.values(cmd.env)].map((secret) => secret.reveal());
}

describe('without a keychain', () => {
  test('the configuration says what to type, and reads what was put away', async () => {
    const here = place();
    const [first, second, third] = await valuesOf(here);
    expect(first).toStartWith('SECRET_UNDEFINED there is no secret "api": type: sluice secrets set api');
    expect(first).toContain(`the keychain (libsecret not available), ${here.shell.cwd}/own/secrets.json`);
    expect([second, third].map((each) => each?.slice(0, 40))).toEqual([
      'SECRET_UNDEFINED there is no secret "b":',
      'SECRET_UNDEFINED there is no secret "api',
    ]);
    expect(await here.run('set api', `${CANARY}\n`)).toEqual({
      code: 0,
      out: `api is in ${here.shell.cwd}/own/secrets.json\n`,
      err: expect.stringContaining('made '),
    });
    expect(await here.run('set b --json', ' other \r\n')).toEqual({
      code: 0,
      out: '{"version":1,"name":"b","store":"file"}\n',
      err: '',
    });
    expect(await valuesOf(here)).toEqual([`Bearer ${CANARY}`, ' other ', CANARY]);
    expect(here.file()).not.toContain('canary');
  });

  test('--store keychain fails, and nothing is kept', async () => {
    const { run } = place();
    expect((await run('set api --store keychain', CANARY)).code).toMatchObject({
      exit: 1,
      message: 'no keychain: libsecret not available',
    });
    expect((await run('list --json')).out).not.toContain('"file"}');
  });
});

describe('with a keychain', () => {
  test('it is where secrets go, and come from', async () => {
    const keychain = memoryKeychain();
    const here = place({ keychain });
    expect((await here.run('set api', CANARY)).out).toBe('api is in the keychain\n');
    expect((await here.run('set b', 'other')).code).toBe(0);
    expect(Object.fromEntries(keychain.values)).toEqual({ api: CANARY, b: 'other' });
    expect(await valuesOf(here)).toEqual([`Bearer ${CANARY}`, 'other', CANARY]);
    expect(here.file()).not.toContain('sealed');
  });

  test('a secret lies in one store: what is set anew elsewhere leaves the first', async () => {
    const keychain = memoryKeychain();
    const here = place({ keychain });
    await here.run('set api', 'first');
    await here.run('set b', 'b');
    await here.run('set api --store file', 'second');
    expect([...keychain.values.keys()]).toEqual(['b']);
    expect(await valuesOf(here)).toEqual(['Bearer second', 'b', 'second']);
    await here.run('set api', 'third');
    expect(here.file()).not.toContain('sealed');
    expect(await valuesOf(here)).toEqual(['Bearer third', 'b', 'third']);
  });

  test('that is locked later, and finds nothing: what was put into it is not called missing', async () => {
    const keychain = memoryKeychain();
    const here = place({ keychain });
    await here.run('set api', CANARY);
    keychain.values.clear();
    const [first, second] = await valuesOf(here);
    expect(first).toStartWith(
      'SECRET_UNREADABLE secret "api" was put into the keychain, which does not have it',
    );
    expect(second).toStartWith('SECRET_UNDEFINED');
    expect((await here.run('list')).out).toMatch(/^api {2}keychain \(locked, or removed there\) /);
  });

  test('that is away later, a secret in it is told as such, and not as missing', async () => {
    const here = place();
    const keychain = memoryKeychain();
    await here.run('set api', CANARY, keychain);
    const [told] = await valuesOf(here);
    expect(told).toStartWith(
      'SECRET_UNREADABLE secret "api" is in the keychain, and that is away: libsecret',
    );
    expect((await here.run('list')).out).toMatch(/^api {2}keychain \(away\) /);
    expect((await here.run('rm api --yes')).code).toMatchObject({ exit: 1 });
  });

  test('is asked for the names that are needed, in order, and for none where none is', async () => {
    const asked: string[] = [];
    const keychain = memoryKeychain({ api: CANARY, b: 'b' });
    const watched: Keychain = {
      ...keychain,
      get: (name) => {
        asked.push(name);
        return keychain.get(name);
      },
    };
    const here = place({ keychain: watched });
    expect(await valuesOf(here)).toHaveLength(3);
    expect(asked.splice(0)).toEqual(['api', 'b']);
    expect(createReader(here.shell, undefined).look().ok).toBe(true);
    const plain = place({ keychain: watched }, 'upstreams: { d: { builtin: demo } }');
    expect((await plain.read()).ok).toBe(true);
    expect(asked).toEqual([]);
  });
});

test('a file that the system provides counts before both', async () => {
  const here = place({ keychain: memoryKeychain({ api: 'k', b: 'k' }) });
  const provided = join(here.shell.dir, 'credentials');
  mkdirSync(provided);
  writeFileSync(join(provided, 'api'), 'provided\n');
  const shell = { ...here.shell, env: { ...here.shell.env, CREDENTIALS_DIRECTORY: provided } };
  const there = { ...here, shell, read: () => createReader(shell, undefined).read() };
  expect(await valuesOf(there)).toEqual(['Bearer provided', 'k', 'provided']);
  expect(await runProgram(shell, ['secrets', 'list'])).toBe(0);
  expect(here.shell.said().out).toBe(
    `api  ${provided}/api  upstreams.api.headers.Authorization, upstreams.cmd.env.T\n` +
      `b    keychain${' '.repeat(provided.length - 4)}  upstreams.api.headers.X-B\n`,
  );
});

describe('list and rm', () => {
  test('names, places and uses; never a value', async () => {
    const { run } = place();
    await run('set api', CANARY);
    await run('set unused', CANARY);
    const { out } = await run('list --json');
    expect(JSON.parse(out).secrets).toEqual([
      { name: 'api', store: 'file', used: ['upstreams.api.headers.Authorization', 'upstreams.cmd.env.T'] },
      { name: 'b', store: 'missing', used: ['upstreams.api.headers.X-B'] },
      { name: 'unused', store: 'file', used: [] },
    ]);
    const text = await run('list');
    expect(text.out).toMatch(/^api {5}file {5}.*\nb {7}missing {2}.*\nunused {2}file {5}not used\n$/);
    expect(text.out + out).not.toContain('canary');
  });

  test('one that is used stays, unless --yes; one that is not there is an error', async () => {
    const { run, file } = place();
    await run('set api', CANARY);
    const before = file();
    expect((await run('rm api')).code).toMatchObject({
      exit: 1,
      message: '"api" is used by upstreams.api.headers.Authorization, upstreams.cmd.env.T',
    });
    expect(file()).toBe(before);
    expect((await run('rm api --yes --json')).out).toBe('{"version":1,"name":"api","removed":["file"]}\n');
    expect((await run('rm api --yes')).code).toMatchObject({ exit: 1, message: 'there is no secret "api"' });
    expect((await run('rm other')).code).toMatchObject({ exit: 1 });
  });

  test('a configuration with errors names what it uses all the same', async () => {
    const { run } = place({}, `nonsense: [\n${CONFIG.replace('state: { dir: ./own }', '')}`);
    await run('set api', CANARY);
    expect((await run('list --json')).out).toContain('"name":"api"');
  });
});

describe('what cannot be kept', () => {
  const names = ['../x', '.x', 'a/b', '*', 'a*', '-x', '__proto__', 'x'.repeat(256)];
  test.each(names)('the name %s', async (name) => {
    const { run, shell } = place();
    const { code } = await run(name === '-x' ? 'rm -- -x' : `set ${name}`, CANARY);
    expect(code).toMatchObject({ exit: 2, message: expect.stringContaining('is no name of a secret') });
    expect(() => readFileSync(join(shell.cwd, 'own/secrets.json'))).toThrow('ENOENT');
  });

  test.each([
    ['nothing', '', 'no value was given'],
    ['a line end', '\n', 'no value was given'],
    ['binary', 'a\0b', 'no text in UTF-8'],
    ['too much', 'x'.repeat(65_537), 'longer than 64KiB'],
  ])('%s', async (_, input, message) => {
    const { run } = place();
    expect((await run('set api', input)).code).toMatchObject({
      exit: 2,
      message: expect.stringContaining(message),
    });
  });

  test('in a store that is none', async () => {
    const { run } = place();
    expect((await run('set api --store disk', 'x')).code).toMatchObject({
      exit: 2,
      hint: 'use --store keychain or file',
    });
  });

  test('a value as an argument: there is no place for one', async () => {
    const { code, ...said } = await place().run(`set api ${CANARY}`);
    expect(code).toBe(2);
    expect(JSON.stringify(said)).toContain('too many arguments');
    expect(JSON.stringify(said)).not.toContain(CANARY);
  });
});

test('a fault of the keychain that is none of being away is not hidden', async () => {
  const broken: Keychain = { ...memoryKeychain(), get: () => Promise.reject(new TypeError('broken')) };
  const here = place({ keychain: broken });
  expect(here.read()).rejects.toThrow('broken');
  expect(new KeychainAway('x')).toBeInstanceOf(Error);
});
