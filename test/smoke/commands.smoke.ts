// What the commands print, where, and with which code they end.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import manifest from '../../package.json';
import type { Process } from './process.ts';
import { configOf, Sandbox } from './sandbox.ts';

const BAD = `version: 1
listners: []
upstreams:
  a: { commnd: npx }
  b: { url: nowhere }
pipeline:
  - progres: {}
drain: soon
`;

let sandbox: Sandbox;
let gateway: Process;
let env: Record<string, string>;

beforeAll(async () => {
  const good = configOf('upstreams: { demo: { builtin: demo } }\npipeline: [{ progress: {} }]\n');
  await using opening = new AsyncDisposableStack();
  sandbox = opening.use(
    await Sandbox.open({ 'gateway.yaml': good, 'bad/gateway.yaml': BAD, 'empty/.keep': '' }),
  );
  gateway = sandbox.start(['run']);
  env = { SLUICE_URL: await gateway.url() };
  opening.move();
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const sluice = (...args: string[]) => sandbox.run(args, { env });

describe('check', () => {
  test('a good file: 0, one line on stdout', async () => {
    expect(await sluice('check')).toEqual({ code: 0, out: 'gateway.yaml: no problems\n', err: '' });
  });

  test('a bad one: 78, every problem with its place on stderr', async () => {
    const { code, out, err } = await sandbox.run(['check'], { cwd: sandbox.path('bad') });
    const places = [...err.matchAll(/^gateway\.yaml:(\d+:\d+) .* ([A-Z_]+)$/gm)].map(([, place, name]) => [
      place,
      name,
    ]);
    expect({ code, out, places }).toEqual({
      code: 78,
      out: '',
      places: [
        ['2:1', 'FIELD_UNKNOWN'],
        ['4:8', 'FIELD_UNKNOWN'],
        ['5:13', 'UPSTREAM_URL'],
        ['7:5', 'PLUGIN_UNKNOWN'],
        ['8:8', 'DURATION_INVALID'],
      ],
    });
    expect(err).toContain('did you mean "listeners"?');
    expect(err.trimEnd().endsWith('5 errors')).toBe(true);
  });

  test('the same as JSON on stdout, and by run and stdio', async () => {
    const cwd = sandbox.path('bad');
    const json = await sandbox.run(['check', '--json'], { cwd });
    expect({ code: json.code, errors: JSON.parse(json.out).errors, err: json.err }).toEqual({
      code: 78,
      errors: 5,
      err: '',
    });
    for (const command of ['run', 'stdio']) {
      const { code, out, err } = await sandbox.run([command], { cwd });
      expect({ command, code, out, all: err.includes('5 errors') }).toEqual({
        command,
        code: 78,
        out: '',
        all: true,
      });
    }
  });

  test('no file where one is named: 78; no file at all: the demo', async () => {
    const cwd = sandbox.path('empty');
    expect((await sandbox.run(['check', '--config', 'none.yaml'], { cwd })).code).toBe(78);
    expect(await sandbox.run(['check'], { cwd })).toEqual({
      code: 0,
      out: 'built-in demo: no problems\n',
      err: '',
    });
  });
});

describe('how it is used', () => {
  const wrong = [
    ['frobnicate'],
    ['run', '--nope'],
    ['call'],
    ['completion', 'tcsh'],
    ['call', 'echo', 'nonsense'],
  ];
  for (const args of wrong) {
    test(`2, and nothing on stdout: ${args.join(' ')}`, async () => {
      const { code, out, err } = await sluice(...args);
      expect({ code, out, said: err !== '' }).toEqual({ code: 2, out: '', said: true });
    });
  }

  test('a misspelt command is told the right one', async () => {
    expect((await sluice('chek')).err).toContain('Did you mean check?');
  });

  test('help is on stdout, of every command, and ends with 0', async () => {
    const { code, out, err } = await sluice('--help');
    expect([code, err]).toEqual([0, '']);
    const pages = ['run', 'stdio', 'check', 'reload', 'call', 'explain', 'schema', 'completion', 'version'];
    expect(pages.filter((name) => !out.includes(`\n  ${name} `))).toEqual([]);
    for (const name of pages) expect((await sluice('help', name)).out).toContain(`Usage: sluice ${name}`);
  });
});

test('no gateway: 69', async () => {
  const cwd = sandbox.path('empty');
  const elsewhere = { cwd, env: { XDG_RUNTIME_DIR: cwd } };
  for (const args of [['reload'], ['status'], ['tools', 'list'], ['call', 'echo', 'text=hi']]) {
    const { code, out, err } = await sandbox.run(args, elsewhere);
    expect({ args, code, out, hint: err.includes('start one with `sluice run`') }).toEqual({
      args,
      code: 69,
      out: '',
      hint: true,
    });
  }
});

test('version --json', async () => {
  const { code, out } = await sluice('version', '--json');
  const { version, commit, built, bun } = JSON.parse(out);
  expect({ code, version, bun }).toEqual({
    code: 0,
    version: manifest.version,
    bun: manifest.devDependencies.bun,
  });
  // Stamped at build time: a binary that says `null` was not made by build.ts.
  expect(`${commit} ${built}`).toMatch(/^([0-9a-f]{40}(-dirty)?|unknown) \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

test('schema, to stdout and to a file, is the one in the repository', async () => {
  const { code, out } = await sluice('schema');
  expect(code).toBe(0);
  expect(out).toBe(await Bun.file(new URL('../../schema.json', import.meta.url)).text());
  expect((await sluice('schema', '-o', 'schema.json')).code).toBe(0);
  expect(await sandbox.read('schema.json')).toBe(out);
});

test('init writes a file that is good, and never over another', async () => {
  const cwd = sandbox.path('empty');
  expect((await sandbox.run(['init', '-o', 'mine.yaml'], { cwd })).code).toBe(0);
  expect((await sandbox.run(['check', '--config', 'mine.yaml'], { cwd })).code).toBe(0);
  expect((await sandbox.run(['init', '-o', 'mine.yaml'], { cwd })).code).toBe(1);
});

test('completion bash is a script that bash takes', async () => {
  const { code, out } = await sluice('completion', 'bash');
  expect([code, out.includes('complete -F _sluice')]).toEqual([0, true]);
  await sandbox.write({ 'complete.bash': out });
  const ask = 'source ./complete.bash; COMP_WORDS=(sluice re); COMP_CWORD=1; _sluice; echo "$COMPREPLY"';
  if (Bun.which('bash')) expect((await sandbox.runProgram(['bash', '-c', ask])).out).toBe('reload\n');
});

test('explain: an error by its name, a call by the running gateway, a name that is none', async () => {
  expect((await sluice('explain', 'PLUGIN_UNKNOWN')).out).toContain('PLUGIN_UNKNOWN  configuration');
  const { code, out, err } = await sluice('explain', 'tools/call', 'slow_count');
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/route: upstream demo, as slow_count[\s\S]*1\. progress/);
  expect((await sluice('explain', 'NO_SUCH_THING')).code).toBe(1);
});

test('tools list, for people and for programs', async () => {
  const { code, out } = await sluice('tools', 'list');
  expect([code, /^slow_count +Counts from 1/m.test(out)]).toEqual([0, true]);
  const tools: { name: string }[] = JSON.parse((await sluice('tools', 'list', '--json')).out).tools;
  expect(tools.map(({ name }) => name)).toContain('slow_count');
});

test('call: the result alone on stdout, nothing else where there is no terminal', async () => {
  const args = ['call', 'slow_count', 'to=3', 'every_ms=50'];
  expect(await sluice(...args)).toEqual({ code: 0, out: 'Counted to 3.\n', err: '' });
  const json = await sluice(...args, '--json');
  expect(JSON.parse(json.out).structuredContent).toEqual({ counted: 3 });
  expect(await sluice('call', 'fail', 'message=no')).toEqual({
    code: 1,
    out: '',
    err: 'the tool failed: no\n',
  });
});

test('call: progress on stderr where that is a terminal', async () => {
  const command = '"$0" call slow_count to=4 every_ms=150 > result.txt';
  const call = sandbox.startProgram(['/bin/sh', '-c', command, sandbox.binary], {
    env: { ...env, TERM: 'xterm' },
    terminal: 'own',
  });
  expect(await call.exited).toBe(0);
  expect(await sandbox.read('result.txt')).toBe('Counted to 4.\n');
  expect(call.out).toContain('slow_count');
  expect(call.out).toMatch(/[1-4] of 4/);
  expect(call.out).not.toContain('Counted to 4.');
});

test('call: a question of the tool is answered at the terminal', async () => {
  const call = sandbox.start(['call', 'ask', 'question=Which colour?'], {
    env: { ...env, TERM: 'xterm' },
    terminal: 'own',
  });
  await call.until(/Which colour\?/);
  await call.until(/Answer/);
  call.type('teal\r');
  await call.until(/Send this answer\?/);
  call.type('\r');
  await call.until(/The user answered: teal/);
  expect(await call.exited).toBe(0);
});

test('Ctrl-C cancels a call: 130', async () => {
  const call = sandbox.start(['call', 'slow_count', 'to=100'], {
    env: { ...env, TERM: 'xterm' },
    terminal: 'own',
  });
  await call.until(/1 of 100/);
  call.type('\u0003');
  expect(await call.exited).toBe(130);
});

test('the gateway of all this still runs', () => {
  expect(gateway.isRunning).toBe(true);
});
