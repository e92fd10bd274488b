// One child process: what it is given, how its pipes are served, and how it ends with all it started.
import { afterEach, describe, expect, test } from 'bun:test';
import { type Child, startChild } from '../../../src/upstreams/child.ts';
import { NO_REAPER, type Reaper } from '../../../src/upstreams/reaper.ts';
import type { CommandSpec } from '../../../src/upstreams/spec.ts';
import { testHost } from '../../fixtures/exchanges.ts';
import { openLifeline } from '../../fixtures/lifeline.ts';
import { childPath, commandSpec } from '../../fixtures/specs.ts';
import { until } from '../../fixtures/until.ts';

/** Every line is held. */
const HELD = { long: () => undefined, tooLong: () => undefined, room: () => undefined };

const started: Child[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((child) => child.stop()));
});

function start(spec: CommandSpec) {
  const host = testHost();
  const lines: string[] = [];
  const over = Promise.withResolvers<string>();
  const line = (bytes: Uint8Array): void => void lines.push(new TextDecoder().decode(bytes));
  const child = startChild(
    { ...spec, ...(spec.stop === 5_000 ? { stop: 40, kill: 40 } : {}) },
    { line, gone: over.resolve, ...HELD },
    host.log,
    NO_REAPER,
  );
  started.push(child);
  return { host, child, lines, over: over.promise };
}

const shell = (script: string, args: string[] = [], changes: Parameters<typeof commandSpec>[2] = {}) =>
  start(commandSpec('/bin/sh', ['-c', script, 'sh', ...args], changes));

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const later = new Promise((resolve) => setImmediate(resolve, 'pending'));
  return (await Promise.race([promise, later])) === 'pending';
}

describe('a child', () => {
  test('gets the environment it is given and nothing else', async () => {
    process.env.SLUICE_TEST_CANARY = 'secret';
    const { lines, over } = start(commandSpec('/usr/bin/env', [], { env: { A: '1', B: 'a b=c' } }));
    expect(await over).toBe('exited with code 0');
    expect(lines.sort()).toEqual(['A=1', 'B=a b=c']);
    delete process.env.SLUICE_TEST_CANARY;
  });

  test('runs in the directory it is given, as the leader of a group of its own', async () => {
    const { child, lines, over } = shell('pwd; ps -o pgid= -p $$', [], { cwd: '/' });
    await over;
    expect(lines.map((line) => line.trim())).toEqual(['/', String(child.pid)]);
  });

  test('gets arguments as they are: no shell reads them', async () => {
    const { lines, over } = start(commandSpec('/bin/echo', ['$HOME', '`id`', '; exit 7', '*']));
    await over;
    expect(lines).toEqual(['$HOME `id` ; exit 7 *']);
  });

  test('is heard to its last line, also when it ends in the middle of one', async () => {
    const { lines, over } = shell(
      'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done; printf rest',
    );
    await over;
    expect(lines.length).toBe(3_000);
    expect(lines.at(-1)).toBe('line 2999');
  });

  test('may end its lines with CRLF and leave some empty', async () => {
    const { lines, over } = shell('printf "a\\r\\n\\n\\r\\nb\\n"');
    await over;
    expect(lines).toEqual(['a', 'b']);
  });

  test.each([
    ['exit 7', 'exited with code 7'],
    ['exit 0', 'exited with code 0'],
    ['kill -SEGV $$', 'was ended by SIGSEGV'],
    ['kill -KILL $$', 'was ended by SIGKILL'],
  ])('after %p: it %s', async (script, why) => {
    expect(await shell(script).over).toBe(why);
  });
});

describe('what cannot be started says why', () => {
  const fault = (command: string, cwd?: string) => () =>
    start(commandSpec(command, [], cwd === undefined ? {} : { cwd }));

  test('no such program', () => {
    expect(fault('/no/such/program')).toThrow('"/no/such/program" cannot be started: no such file');
    expect(fault('sluice-no-such-program')).toThrow('no such program in PATH');
  });

  test('not executable, or a directory', () => {
    expect(fault(childPath('server.ts'))).toThrow('may not be executed');
    expect(fault('/')).toThrow('may not be executed');
  });

  test('no such directory', () => {
    expect(fault('/bin/sh', '/no/such/dir')).toThrow('no such file, or no directory /no/such/dir');
  });
});

describe('its pipes', () => {
  test('a line beyond the limit ends it', async () => {
    const { over } = shell('echo short; printf %2000s x; sleep 1000', [], { limits: { line: 1_000 } });
    expect(await over).toBe('wrote a line of more than 1000 bytes');
  });

  test('stderr is drained however much it is, logged up to the rate, and never holds stdout up', async () => {
    const script =
      'echo hello >&2; dd if=/dev/zero bs=65536 count=160 2>/dev/null | tr "\\0" e >&2; echo done';
    const { host, lines, over: end } = shell(script, [], { limits: { stderr: 1_000 } });
    await end;
    expect(lines).toEqual(['done']);
    const logged = host.lines
      .filter(({ message }) => message === 'stderr')
      .map(({ fields }) => String(fields.text));
    expect(logged.join('')).toStartWith('hello');
    // So much in every second that it lasted.
    const over = host.lines.filter(({ message }) => message.startsWith('stderr is more than limits.stderr'));
    expect(logged.join('').length).toBeLessThanOrEqual(1_000 * over.length);
  });

  test('writing waits until the child reads', async () => {
    const gate = openLifeline();
    const { child, lines } = shell('exec 9>"$1"; echo up >&9; kill -STOP $$; wc -c; echo counted', [
      gate.path,
    ]);
    await gate.wrote('up');
    const writing = child.write('x'.repeat(32_000_000));
    expect(await isPending(writing)).toBe(true);
    process.kill(child.pid, 'SIGCONT');
    await writing;
    await child.stop();
    expect(lines.map((line) => line.trim())).toEqual(['32000001', 'counted']);
  });

  test('writing to one that has ended fails and says so', async () => {
    const { child, over } = shell('exit 3');
    await over;
    await expect(child.write('{}')).rejects.toThrow('its process exited with code 3');
  });

  test('one that closes its stdin is of no use: it is ended, and the write fails', async () => {
    const gate = openLifeline();
    const { child, over } = shell('exec 0<&- 9>"$1"; echo up >&9; sleep 1000', [gate.path]);
    await gate.wrote('up');
    await expect(child.write('x'.repeat(1_000_000))).rejects.toThrow(
      'its process takes no more input (EPIPE',
    );
    expect(await over).toStartWith('takes no more input');
  });

  test('a write that waits fails when the child dies', async () => {
    const gate = openLifeline();
    const { child, over } = shell('exec 9>"$1"; echo up >&9; kill -STOP $$', [gate.path]);
    await gate.wrote('up');
    const writing = child.write('x'.repeat(32_000_000));
    process.kill(child.pid, 'SIGKILL');
    await expect(writing).rejects.toThrow('its process');
    await over;
  });
});

describe('stop', () => {
  test('closes stdin; who leaves then is not signalled', async () => {
    const { child, over } = shell('trap "exit 9" TERM; cat >/dev/null', [], { stop: 20_000 });
    await child.stop();
    expect(await over).toBe('was stopped');
    expect(process.kill.bind(process, child.pid, 0)).toThrow('ESRCH');
  });

  test('closes stdin, then asks, then kills, and takes the group along', async () => {
    const life = openLifeline();
    // Time enough to write down what it hears, also on a busy machine.
    const patience = { stop: 500, kill: 500 };
    const { child, over } = start(commandSpec(childPath('stages.sh'), [life.path], patience));
    await life.wrote('up');
    await child.stop();
    expect(await life.released).toBe('up\nend of stdin\nTERM\n');
    expect(await over).toBe('was stopped');
  });

  test('waits for `stop` before it asks, and for `kill` before it kills: one that ends when it is asked has the time', async () => {
    const script =
      'exec 9>"$1"; trap "echo TERM >&9; exit 0" TERM; echo up >&9; while :; do sleep 1000 9>&- & wait; done';
    const polite = openLifeline();
    const asked = shell(script, [polite.path], { stop: 0, kill: 60_000 });
    await polite.wrote('up');
    await asked.child.stop();
    expect(await polite.released).toBe('up\nTERM\n');
  });

  test('does not wait for a child to read what it never will', async () => {
    const gate = openLifeline();
    const { child, over } = shell('exec 9>"$1"; trap "" TERM; echo up >&9; sleep 1000', [gate.path]);
    await gate.wrote('up');
    const writing = child.write('x'.repeat(32_000_000)).catch((error: Error) => error.message);
    await child.stop();
    expect(await over).toBe('was stopped');
    expect(await writing).toStartWith('its process');
    await expect(child.write('{}')).rejects.toThrow('its process was stopped');
  });

  test('may be called again, and after the end', async () => {
    const { child, over } = shell('cat');
    await Promise.all([child.stop(), child.stop()]);
    await over;
    await child.stop();
  });

  test('what a wrapper leaves behind goes with it', async () => {
    const life = openLifeline();
    const { child } = start(commandSpec(childPath('holding.sh'), [life.path, 'cat']));
    await life.wrote('held');
    await child.stop();
    expect(await life.released).toBe('held\n');
  });
});

describe('its reaper', () => {
  const failing = (changes: Partial<Reaper>) => {
    const host = testHost();
    const reaper = { ...NO_REAPER, ...changes };
    return (spec: CommandSpec) => startChild(spec, { line() {}, gone() {}, ...HELD }, host.log, reaper);
  };

  test('is there before it; without one it is not started', async () => {
    const life = openLifeline();
    const begin = failing({
      prepare() {
        throw new Error('EAGAIN');
      },
    });
    expect(() => begin(commandSpec('/bin/sh', ['-c', 'echo up >"$1"', 'sh', life.path]))).toThrow(
      '"/bin/sh" is not started, for nobody could end it: EAGAIN',
    );
    Bun.spawnSync(['/bin/sh', '-c', 'echo nobody >"$1"', 'sh', life.path]);
    expect(await life.released).toBe('nobody\n');
  });

  test('that fails to watch it leaves none behind', async () => {
    let watched = 0;
    const begin = failing({
      watch(pid) {
        watched = pid;
        throw new Error('EPIPE');
      },
    });
    expect(() => begin(commandSpec('/bin/sh', ['-c', 'sleep 1000']))).toThrow(
      '"/bin/sh" was ended again, for nobody would have later: EPIPE',
    );
    await until(() => isGone(watched));
  });
});

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

test('its last words are in the log with how it ended, without secrets', async () => {
  const { host, over } = shell('echo "bad key $KEY" >&2; echo gone >&2; exit 3', [], {
    env: { KEY: 'sk-12345678' },
    secrets: ['sk-12345678'],
  });
  expect(await over).toBe('exited with code 3');
  const [line] = host.lines.filter(({ message }) => message === 'process ended');
  expect(line).toMatchObject({
    level: 'warn',
    fields: { why: 'exited with code 3', stderr: 'bad key ••••\ngone' },
  });
  expect(JSON.stringify(host.lines)).not.toContain('sk-12345678');
});

test('when the leader ends by itself, what it started ends too', async () => {
  const life = openLifeline();
  const { over } = start(commandSpec(childPath('holding.sh'), [life.path, '/bin/sh', '-c', 'exit 5']));
  expect(await over).toBe('exited with code 5');
  expect(await life.released).toBe('held\n');
});
