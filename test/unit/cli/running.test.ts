// `sluice run` for real: how it starts, what the other commands see of it, reloads, and how it ends.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, statSync } from 'node:fs';
import { type Child, demoConfig, Home, urlOf } from './child.ts';

const home = new Home();
let gateway: Child;
let url: string;

beforeAll(async () => {
  home.write('gateway.yaml', demoConfig('pipeline:\n  - progress: { every: 10ms }\n'));
  gateway = home.start(['run']);
  url = await urlOf(gateway);
});
afterAll(() => home[Symbol.asyncDispose]());

const events = (): Record<string, unknown>[] =>
  gateway.err
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

describe('a running gateway', () => {
  test('logs JSON lines where stderr is no terminal, and leaves stdout alone', () => {
    expect(events()[0]).toMatchObject({ level: 'info', msg: 'started', config: 'gateway.yaml' });
    expect(events()[1]).toMatchObject({ msg: 'listening', url });
    expect(gateway.out).toBe('');
  });

  test('keeps its key and socket to itself', () => {
    expect(statSync(home.path('state/sluice/seal.key')).mode & 0o777).toBe(0o600);
    expect(statSync(home.path('admin.sock')).mode & 0o777).toBe(0o600);
  });

  test('tools list and call', async () => {
    const list = await home.run(['tools', 'list', '--url', url]);
    expect(list.code).toBe(0);
    expect(list.out).toMatch(/^slow_count {2}Counts/m);
    const json = JSON.parse((await home.run(['tools', 'list', '--url', url, '--json'])).out);
    expect(json.version).toBe(1);
    expect(json.tools.map(({ name }: { name: string }) => name)).toContain('echo');
    expect(await home.run(['call', 'echo', 'text=a b', '--url', url])).toEqual({
      code: 0,
      out: 'a b\n',
      err: '',
    });
    const raw = await home.run(['call', 'slow_count', '--json-args', '{"to":2,"every_ms":1}', '--json'], '', {
      SLUICE_URL: url,
    });
    expect(JSON.parse(raw.out)).toMatchObject({ structuredContent: { counted: 2 } });
  });

  test('a tool that fails: 1, and its text on stderr', async () => {
    const failed = await home.run(['call', 'fail', 'message=no luck', '--url', url]);
    expect(failed).toEqual({ code: 1, out: '', err: 'the tool failed: no luck\n' });
    expect((await home.run(['call', 'fail', '--json', '--url', url])).code).toBe(1);
  });

  test('wrong arguments: 2, before anything is called', async () => {
    const { code, err } = await home.run(['call', 'slow_count', 'to=x', 'evry_ms=1', '--url', url]);
    expect(code).toBe(2);
    expect(err).toContain('to takes a whole number; "x" is not');
    expect(err).toContain('did you mean every_ms?');
  });

  test('an unknown tool: 1, and the nearest', async () => {
    const { code, err } = await home.run(['call', 'slowcount', '--url', url]);
    expect(code).toBe(1);
    expect(err).toContain('did you mean slow_count?');
  });

  test('status, health and explain ask it', async () => {
    const status = await home.run(['status']);
    expect(status.out).toContain(url);
    expect(status.out).toContain('ready · up ');
    const json = JSON.parse((await home.run(['status', '--json'])).out);
    expect(json).toMatchObject({ version: 1, pid: gateway.pid, ready: true, config: 'gateway.yaml' });
    expect(await home.run(['health'])).toEqual({ code: 0, out: 'ok\n', err: '' });
    expect((await home.run(['health', '--ready'])).out).toBe('ok: ready\n');
    const explained = await home.run(['explain', 'tools/call', 'echo', '--json']);
    expect(explained.err).toBe('');
    expect(JSON.parse(explained.out)).toMatchObject({ version: 1, method: 'tools/call', endpoint: '/mcp' });
    expect((await home.run(['explain', 'tools/call', '--endpoint', '/none'])).code).toBe(1);
  });

  test('USR2 turns the debug log on and off', async () => {
    gateway.signal('SIGUSR2');
    await gateway.until(/"now":"debug"/);
    expect(JSON.parse((await home.run(['status', '--json'])).out).logLevel).toBe('debug');
    gateway.signal('SIGUSR2');
    await gateway.until(/"now":"info"/);
  });

  test('another one on the same socket does not start', async () => {
    const { code, err } = await home.run(['run']);
    expect(code).toBe(1);
    expect(err).toContain(`already running: a gateway answers on ${home.path('admin.sock')}`);
    expect((await home.run(['health'])).code).toBe(0);
  });
});

describe('a reload', () => {
  const config = (every: string) => demoConfig(`pipeline:\n  - progress: { every: ${every} }\n`);

  test('dry: the plan, and nothing else', async () => {
    home.write('gateway.yaml', config('20ms'));
    const { code, out } = await home.run(['reload', '--dry-run']);
    expect(code).toBe(0);
    expect(out).toContain('gateway.yaml would be reloaded · generation 1 → 2');
    expect(out).toContain('~ pipeline.progress.every  10ms → 20ms');
    expect(JSON.parse((await home.run(['status', '--json'])).out).generation).toBe(1);
  });

  test('for real: the plan, printed and logged', async () => {
    const { code, out } = await home.run(['reload']);
    expect(code).toBe(0);
    expect(out).toMatch(/^reloaded gateway\.yaml in \d+ ms · generation 1 → 2\n/);
    // The log may come a moment after the answer.
    await gateway.until(/"after":"20ms".*\n/);
    expect(events().find(({ msg }) => msg === 'reload change')).toMatchObject({
      sign: '~',
      what: 'pipeline.progress.every',
      before: '10ms',
      after: '20ms',
    });
  });

  test('by HUP', async () => {
    home.write('gateway.yaml', config('30ms'));
    gateway.signal('SIGHUP');
    await gateway.until(/"after":"30ms"/);
    expect(JSON.parse((await home.run(['status', '--json'])).out).generation).toBe(3);
  });

  test('of a bad file: 78, nothing changes, and the socket is found all the same', async () => {
    home.write('gateway.yaml', `${config('40ms')}nonsense: 1\n`);
    const { code, out, err } = await home.run(['reload']);
    expect({ code, out }).toEqual({ code: 78, out: '' });
    expect(err).toContain('unknown field "nonsense"');
    expect(err).toContain('reload refused, generation 3 keeps running (1 error)');
    const json = await home.run(['reload', '--json']);
    expect(json.code).toBe(78);
    expect(JSON.parse(json.out)).toMatchObject({ version: 1, ok: false, generation: 3, errors: 1 });
    await gateway.until(/reload refused, nothing changed.*\n/);
    expect(events().findLast(({ msg }) => msg === 'reload refused, nothing changed')).toMatchObject({
      level: 'error',
    });
  });

  test('changes the level of the log', async () => {
    home.write('gateway.yaml', `${config('30ms')}telemetry: { log: { level: debug } }\n`);
    expect((await home.run(['reload'])).code).toBe(0);
    expect(JSON.parse((await home.run(['status', '--json'])).out).logLevel).toBe('debug');
  });
});

describe('the end', () => {
  test('TERM lets a call finish while health is alive and not ready, and exits 0', async () => {
    const call = home.start(['call', 'slow_count', 'to=80', 'every_ms=50', '--url', url]);
    await gateway.until(/"method":"tools\/list"/);
    while (JSON.parse((await home.run(['status', '--json'])).out).inFlight === 0) await gateway.until(/./);
    gateway.signal('SIGTERM');
    await gateway.until(/"msg":"stopping"/);
    expect((await home.run(['health'])).code).toBe(0);
    expect(await home.run(['health', '--ready'])).toMatchObject({ code: 1, out: 'failed: not ready\n' });
    expect(await call.exited).toBe(0);
    expect(call.out).toBe('Counted to 80.\n');
    expect(await gateway.exited).toBe(0);
    expect(existsSync(home.path('admin.sock'))).toBe(false);
  });
});
