// Every command as a child process: help, usage errors, exit codes, and what goes to which stream.
import { afterAll, describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { ROWS } from '../../../src/cli/commands.ts';
import { helpPages } from '../../../src/cli/program.ts';
import { childPath } from '../../fixtures/specs.ts';
import { demoConfig, Home } from './child.ts';

const home = new Home();
afterAll(() => home[Symbol.asyncDispose]());

describe('help', () => {
  test('is on stdout, with examples first, exit 0', async () => {
    const { code, out, err } = await home.run(['--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.indexOf('Examples:')).toBeLessThan(out.indexOf('Usage:'));
    for (const { name } of ROWS) expect(out).toContain(`  ${name.split(' ')[0]}`);
    expect((await home.run([])).out).toBe(out);
  });

  test('of a command is its page, whatever the terminal', async () => {
    const page = helpPages().find(({ command }) => command === 'call')?.text ?? '';
    expect(await home.run(['call', '--help'], '', { COLUMNS: '40' })).toEqual({
      code: 0,
      out: page,
      err: '',
    });
    expect(page).toStartWith('Call a tool.');
    expect(page).toContain('sluice call slow_count to=5');
  });

  test('there is a page for the program and each command', () => {
    expect(helpPages().map(({ command }) => command)).toEqual(['', ...ROWS.map(({ name }) => name)]);
    for (const { text } of helpPages()) expect(text).toMatch(/^Usage: sluice/m);
  });
});

describe('usage errors exit 2, on stderr', () => {
  test.each([
    [['rnu'], 'Did you mean run?'],
    [['run', '--wach'], 'Did you mean --watch?'],
    [['run', 'extra'], 'too many arguments'],
    [['call'], 'missing required argument'],
    [['tools'], 'Usage: sluice tools'],
    [['--color', 'blue', 'version'], 'Allowed choices are always, never, auto'],
    [['completion', 'tcsh'], 'there is bash, zsh, fish, pwsh'],
    [['call', 'echo', 'a=1', '--json-args', '{}'], 'not both'],
    [['call', 'echo', '--url', 'ftp://x'], 'is not a URL'],
    [['call', 'echo', '-H', 'nothing'], 'is not a header'],
    [['plugin', 'new', '../x'], 'is no name for a plugin'],
  ])('%j', async (args, says) => {
    const { code, out, err } = await home.run(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(says);
  });
});

describe('nobody there exits 69, with what to do', () => {
  test.each([[['status']], [['reload']], [['tools', 'list']], [['call', 'echo', 'text=hi']]])(
    '%j',
    async (args) => {
      const { code, out, err } = await home.run(args);
      expect({ code, out }).toEqual({ code: 69, out: '' });
      expect(err).toMatch(/^sluice: no gateway answers .*\n {8}start one with `sluice run`/);
    },
  );

  test('health says it with 1', async () => {
    home.write('off.yaml', 'admin: { listen: off, socket: off }\nupstreams: { demo: { builtin: demo } }\n');
    const { code, out } = await home.run(['health', '--config', 'off.yaml']);
    expect({ code, out }).toEqual({ code: 1, out: 'failed: admin.socket and admin.listen are off\n' });
  });
});

describe('check', () => {
  test('tells what is wrong with plugins of files and with the rest at once, and how durations are written', async () => {
    home.write(
      'strict.ts',
      `import { definePlugin, duration, z } from 'sluice/plugin';
       const schema = z.strictObject({ over: duration('2s', { description: 'How long.' }) });
       export default definePlugin({ name: 'strict', api: 1, about: '', schema, setup: () => ({}) });`,
    );
    const lines = [
      'upstreams: { a: { url: "x y", pipeline: [./none.ts] } }',
      'drain: 5',
      'pipeline:',
      '  - progress: { every: 100 }',
      '  - ./strict.ts: { over: 2, other: 1 }',
    ];
    home.write('all.yaml', lines.join('\n'));
    const { code, out } = await home.run(['check', '-c', 'all.yaml', '--json']);
    const { diagnostics } = JSON.parse(out);
    const told = diagnostics.map(({ line, code, message, hint }: Record<string, unknown>) => [
      line,
      code,
      message,
      hint,
    ]);
    expect(code).toBe(78);
    expect(told).toEqual([
      [1, 'UPSTREAM_URL', 'not a URL', 'write https://host/path'],
      [1, 'PLUGIN_SETUP', expect.stringContaining('there is no file'), undefined],
      [2, 'DURATION_INVALID', '5 has no unit', 'write 5ms or 5s'],
      [4, 'PLUGIN_OPTIONS', '100 has no unit', 'write 100ms or 100s'],
      [5, 'PLUGIN_OPTIONS', '2 has no unit', 'write 2ms or 2s'],
      [5, 'FIELD_UNKNOWN', 'unknown field "other"', 'known here: over'],
    ]);
    const started = await home.run(['run', '-c', 'all.yaml']);
    expect(started.code).toBe(78);
    expect(started.err).toBe((await home.run(['check', '-c', 'all.yaml'])).err);
  });

  test('what is no plugin file by its name is not run', async () => {
    home.write('plugin.py', 'throw new Error("it ran");');
    home.write('py.yaml', demoConfig('pipeline:\n  - ./plugin.py: {}\n'));
    const { err } = await home.run(['check', '-c', 'py.yaml']);
    expect(err).toContain('its name ends in .ts, .js or .mjs');
    expect(err).not.toContain('it ran');
  });

  test('a sound file: 0, and its name', async () => {
    home.write('good.yaml', demoConfig());
    expect(await home.run(['check', '-c', 'good.yaml'])).toEqual({
      code: 0,
      out: 'good.yaml: no problems\n',
      err: '',
    });
  });

  test('all problems at once: 78, with frames on stderr', async () => {
    home.write('bad.yaml', 'upstreams:\n  a: { commnd: x }\npipeline:\n  - progres: {}\n');
    const { code, out, err } = await home.run(['check', '-c', 'bad.yaml']);
    expect({ code, out }).toEqual({ code: 78, out: '' });
    expect(err).toContain('bad.yaml:2:8');
    expect(err).toContain('did you mean "command"?');
    expect(err).toContain('bad.yaml:4:5');
    expect(err).not.toContain('\u001b');
    const json = await home.run(['check', '-c', 'bad.yaml', '--json']);
    expect(json.code).toBe(78);
    expect(JSON.parse(json.out)).toMatchObject({ version: 1, errors: 2, file: 'bad.yaml' });
    expect(json.err).toBe('');
  });

  test('colours when they are asked for', async () => {
    const esc = '\u001b[';
    const args = ['check', '-c', 'bad.yaml'];
    expect((await home.run(['--color', 'always', ...args])).err).toContain(esc);
    expect((await home.run([...args, '--color=always'])).err).toContain(esc);
    expect((await home.run(args, '', { FORCE_COLOR: '1' })).err).toContain(esc);
    expect((await home.run(args, '', { FORCE_COLOR: '1', NO_COLOR: '1' })).err).not.toContain(esc);
    expect((await home.run([...args, '--color', 'never'], '', { FORCE_COLOR: '1' })).err).not.toContain(esc);
  });

  test('a file that is not there: 78', async () => {
    const { code, err } = await home.run(['check', '-c', 'none.yaml']);
    expect(code).toBe(78);
    expect(err).toContain('none.yaml  the configuration cannot be read: no such file');
  });

  test('options of a plugin file are judged by its schema, and the plugin is not set up', async () => {
    home.write(
      'plugin.ts',
      `import { definePlugin, z } from 'sluice/plugin';
       export default definePlugin({ name: 'p', api: 1, about: 'x', schema: z.strictObject({ n: z.int() }),
         setup() { throw new Error('set up'); } });`,
    );
    const withPlugin = (text: string) => home.write('own.yaml', demoConfig(`pipeline:\n  - ${text}\n`));
    withPlugin('./plugin.ts: { n: 1 }');
    expect((await home.run(['check', '-c', 'own.yaml'])).code).toBe(0);
    withPlugin('./plugin.ts: { n: one }');
    const wrong = await home.run(['check', '-c', 'own.yaml']);
    expect(wrong.code).toBe(78);
    expect(wrong.err).toContain('own.yaml:7:23');
    withPlugin('./nowhere.ts: {}');
    expect((await home.run(['check', '-c', 'own.yaml'])).code).toBe(78);
  });

  test('--connect gives an upstream that hangs timeouts.start, and no more', async () => {
    const flags = `args: [${JSON.stringify(childPath('server.ts'))}, --era, "2025", --silent, tools/list], timeouts: { start: 1s }`;
    home.write('hangs.yaml', demoConfig(`  hangs: { command: ${process.execPath}, ${flags} }\n`));
    const { code, out } = await home.run(['check', '-c', 'hangs.yaml', '--connect']);
    expect(code).toBe(1);
    expect(out).toMatch(/✗ hangs .*did not answer within timeouts.start/);
  });

  test('--connect asks every upstream, and exits 1 when one is not there', async () => {
    home.write('two.yaml', demoConfig('  gone: { url: "http://127.0.0.1:1/mcp" }\n'));
    const { code, out } = await home.run(['check', '-c', 'two.yaml', '--connect']);
    expect(code).toBe(1);
    expect(out).toMatch(/✓ demo {2}\d+ tools/);
    expect(out).toMatch(/✗ gone {2}.*cannot be reached/);
    const json = JSON.parse((await home.run(['check', '-c', 'two.yaml', '--connect', '--json'])).out);
    expect(json.upstreams).toMatchObject([
      { name: 'demo', ok: true },
      { name: 'gone', ok: false },
    ]);
    expect(existsSync(home.path('state'))).toBe(false);
  });
});

describe('explain', () => {
  test('an error, offline', async () => {
    const { code, out } = await home.run(['explain', 'RATE_LIMITED']);
    expect(code).toBe(0);
    expect(out).toContain('RATE_LIMITED  JSON-RPC 1429 · HTTP 200 · fault: denied');
    expect((await home.run(['explain', 'ENV_UNDEFINED'])).out).toContain('configuration');
    const json = JSON.parse((await home.run(['explain', 'RATE_LIMITED', '--json'])).out);
    expect(json).toMatchObject({ version: 1, name: 'RATE_LIMITED', message: { code: 1429 } });
  });

  test('one that does not exist: 1, and the nearest', async () => {
    const { code, err } = await home.run(['explain', 'RATE_LIMITD']);
    expect(code).toBe(1);
    expect(err).toContain('did you mean RATE_LIMITED?');
  });

  test('a method, without a running gateway, from the file', async () => {
    home.write('own.yaml', demoConfig('pipeline:\n  - progress: {}\n    when: { methods: [prompts/get] }\n'));
    const { code, out, err } = await home.run(['explain', 'tools/call', 'echo', '-c', 'own.yaml']);
    expect(code).toBe(0);
    expect(err).toContain('no gateway is running; this is what own.yaml says');
    expect(out).toContain('route: upstream demo');
    expect(out).toMatch(/1\. progress .*onNotification.*does not apply here/);
  });
});

describe('files it writes', () => {
  test('init: once, and what it writes is sound', async () => {
    expect((await home.run(['init', '-o', 'new.yaml'])).code).toBe(0);
    const text = readFileSync(home.path('new.yaml'), 'utf8');
    const again = await home.run(['init', '-o', 'new.yaml']);
    expect(again.code).toBe(1);
    expect(again.err).toContain('new.yaml exists and is left as it is');
    expect(readFileSync(home.path('new.yaml'), 'utf8')).toBe(text);
    expect(await home.run(['check', '-c', 'new.yaml'])).toMatchObject({ code: 0, err: '' });
  });

  test('schema: on stdout or into a file', async () => {
    const { code, out } = await home.run(['schema']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toHaveProperty('properties.upstreams');
    await home.run(['schema', '-o', 'schema.json']);
    expect(readFileSync(home.path('schema.json'), 'utf8')).toBe(out);
  });

  test('plugin new: three files, never over others', async () => {
    const { code, out } = await home.run(['plugin', 'new', 'guard']);
    expect({ code, out }).toEqual({
      code: 0,
      out: 'plugins/guard.ts\nplugins/guard.test.ts\nplugins/guard.md\n',
    });
    expect(readFileSync(home.path('plugins/guard.ts'), 'utf8')).toContain("name: 'guard'");
    expect((await home.run(['plugin', 'new', 'guard'])).code).toBe(1);
    expect((await home.run(['plugin', 'new', 'guard', '--dir', 'more'])).code).toBe(0);
  });
});

describe('version', () => {
  test('as text and JSON', async () => {
    const { version } = JSON.parse(readFileSync(`${import.meta.dir}/../../../package.json`, 'utf8'));
    const { out } = await home.run(['version', '--json']);
    expect(JSON.parse(out)).toEqual({
      version,
      commit: null,
      built: null,
      bun: Bun.version,
      platform: `${process.platform}-${process.arch}`,
    });
    expect((await home.run(['version'])).out).toStartWith(`sluice ${version} (from source) `);
    expect((await home.run(['--version'])).code).toBe(0);
  });
});
