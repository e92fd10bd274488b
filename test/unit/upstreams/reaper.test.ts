// No process outlives the gateway: not when it stops, not when it is killed without a word.
import { afterEach, describe, expect, test } from 'bun:test';
import { createReaper, NO_REAPER, type Reaper, windowsReaper } from '../../../src/upstreams/reaper.ts';
import { codeOf, nobody, testHost, textOf, toolCall } from '../../fixtures/exchanges.ts';
import { openLifeline } from '../../fixtures/lifeline.ts';
import { childPath, commandSpec, IDLE, serverSpec, startUpstream } from '../../fixtures/specs.ts';
import { until } from '../../fixtures/until.ts';

const spawned: Bun.Subprocess[] = [];
afterEach(async () => {
  for (const child of spawned.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
    await child.exited;
  }
});

/** A process group of one that sleeps. */
function group(): Bun.Subprocess {
  const child = Bun.spawn(['sleep', '1000'], { detached: true, stdio: ['ignore', 'ignore', 'ignore'] });
  spawned.push(child);
  return child;
}

/** The shells that this process has started as reapers. */
function shellsOfOurs(): number[] {
  const { stdout } = Bun.spawnSync(['ps', '-o', 'pid=,ppid=,args=', '-A']);
  const lines = stdout.toString().split('\n');
  return lines
    .map((line) => /^\s*(\d+)\s+(\d+)\s+\/bin\/sh -c\s+trap '' INT/.exec(line))
    .filter((match) => match?.[2] === String(process.pid))
    .map((match) => Number(match?.[1]));
}

describe('the reaper', () => {
  test('ends the groups it watches when nobody holds it any more, and no others', async () => {
    const reaper = createReaper();
    const groups = [group(), group(), group(), group()];
    const [first, second, third, last] = groups as [
      Bun.Subprocess,
      Bun.Subprocess,
      Bun.Subprocess,
      Bun.Subprocess,
    ];
    for (const { pid } of groups) reaper.watch(pid);
    reaper.forget(second.pid);
    reaper.forget(99_999_999);
    reaper.close();
    await Promise.all([first.exited, third.exited, last.exited]);
    expect([first, third, last].map(({ signalCode }) => signalCode)).toEqual([
      'SIGTERM',
      'SIGTERM',
      'SIGTERM',
    ]);
    expect([second.exitCode, second.signalCode]).toEqual([null, null]);
  });

  test('kills who does not listen', async () => {
    const life = openLifeline();
    const child = Bun.spawn(
      [
        '/bin/sh',
        '-c',
        'exec 9>"$1"; trap "echo TERM >&9" TERM; echo up >&9; while :; do sleep 1000 9>&- & wait; done',
        'sh',
        life.path,
      ],
      {
        detached: true,
        stdio: ['ignore', 'ignore', 'ignore'],
      },
    );
    spawned.push(child);
    await life.wrote('up');
    const reaper = createReaper();
    reaper.watch(child.pid);
    reaper.close();
    await child.exited;
    expect([child.signalCode, await life.released]).toEqual(['SIGKILL', 'up\nTERM\n']);
  });

  test('that was killed comes back, and still knows whom it watches', async () => {
    const reaper = createReaper();
    const [first, second] = [group(), group()];
    reaper.watch(first.pid);
    const shells = shellsOfOurs();
    expect(shells.length).toBeGreaterThan(0);
    for (const pid of shells) process.kill(pid, 'SIGKILL');
    await until(() => shellsOfOurs().every((pid) => !shells.includes(pid)));
    reaper.watch(second.pid);
    reaper.close();
    await Promise.all([first.exited, second.exited]);
    expect([first.signalCode, second.signalCode]).toEqual(['SIGTERM', 'SIGTERM']);
  });

  test('where there is no shell it says so once, and processes are started all the same', async () => {
    const host = testHost();
    const reaper = createReaper(host.log, 'linux', '/no/such/shell');
    const upstream = startUpstream(serverSpec(), host, reaper);
    expect((await upstream.handle(toolCall('echo'), nobody)).kind).toBe('complete');
    reaper.watch(99_999_999);
    await upstream.close();
    const warnings = host.lines.filter(({ level }) => level === 'warn');
    expect(warnings.map(({ message, fields }) => [message, fields.why])).toEqual([
      ['processes outlive a gateway that is killed', 'there is no /no/such/shell'],
    ]);
  });

  test('on Windows ends a process and its children by force, and asks nobody before', () => {
    const run: string[][] = [];
    const reaper = windowsReaper((command) => void run.push(command));
    reaper.prepare();
    reaper.watch(7);
    reaper.signal(7, 'SIGTERM');
    expect(run).toEqual([]);
    reaper.signal(7, 'SIGKILL');
    expect(run).toEqual([['taskkill', '/pid', '7', '/t', '/f']]);
    expect([reaper.grouped, createReaper(testHost().log, 'win32').grouped]).toEqual([false, false]);
  });

  test('may be closed without ever having watched, and twice', () => {
    const reaper = createReaper();
    reaper.close();
    reaper.close();
  });
});

test.each([[[]], [['stubborn']]])('a gateway that is killed leaves no process behind (%p)', async (flags) => {
  const life = openLifeline();
  const command = [process.execPath, childPath('holder.ts'), life.path, ...flags];
  const holder = Bun.spawn(command, { stdin: 'ignore', stdout: 'pipe', stderr: 'inherit', detached: true });
  spawned.push(holder);
  const { value } = await holder.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe('complete\n');
  process.kill(holder.pid, 'SIGKILL');
  await holder.exited;
  expect(await life.released).toBe('held\n');
});

describe('an upstream', () => {
  /** What a reaper has been told. */
  function noting(): Reaper & { readonly watched: Set<number> } {
    const watched = new Set<number>();
    return {
      ...NO_REAPER,
      watched,
      watch: (pid) => void watched.add(pid),
      forget: (pid) => void watched.delete(pid),
    };
  }

  test('has its processes watched from start to end, however they end', async () => {
    const reaper = noting();
    const upstream = startUpstream(serverSpec(), testHost(), reaper);
    const { pid } = JSON.parse(textOf(await upstream.handle(toolCall('pid'), nobody)));
    expect([...reaper.watched]).toEqual([pid]);
    expect(codeOf(await upstream.handle(toolCall('exit', { code: 1 }), nobody))).toBe('UPSTREAM_UNAVAILABLE');
    await upstream.host.logged('link ended');
    expect(reaper.watched.size).toBe(0);
    await upstream.handle(toolCall('echo'), nobody);
    expect(reaper.watched.size).toBe(1);
    await upstream.close();
    expect(reaper.watched.size).toBe(0);
  });

  test('that is closed takes wrappers and their children with it, also in the middle of calls', async () => {
    const life = openLifeline();
    const args = [life.path, process.execPath, childPath('server.ts'), '--stubborn'];
    const upstream = startUpstream(commandSpec(childPath('holding.sh'), args, { stop: 40 }));
    await upstream.handle(toolCall('echo'), nobody);
    const waiting = upstream.handle(toolCall('silent'), nobody);
    await upstream.handle(toolCall('echo'), nobody);
    await upstream.close();
    expect((await waiting).raw.string('message')).toBe(
      'The upstream "up" is not there: its process was stopped.',
    );
    expect(await life.released).toBe('held\n');
    expect(upstream.state()).toMatchObject({ links: 0, ...IDLE });
  });

  test('that is closed while a process starts, or waits to be started again, leaves none', async () => {
    const reaper = noting();
    const starting = startUpstream(serverSpec(['--silent', 'server/discover']), testHost(), reaper);
    const first = starting.handle(toolCall('echo'), nobody);
    await starting.close();
    expect(codeOf(await first)).toBe('UPSTREAM_UNAVAILABLE');
    expect(reaper.watched.size).toBe(0);

    const dying = startUpstream(
      commandSpec('/bin/sh', ['-c', 'exit 1'], { era: '2025', restart: { max: 1_000, within: 60_000 } }),
      testHost(),
      reaper,
    );
    for (let i = 0; i < 3; i++) await dying.handle(toolCall('echo'), nobody);
    const waiting = dying.handle(toolCall('echo'), nobody);
    await dying.close();
    expect((await waiting).raw.string('message')).toBe('The upstream "up" is being closed.');
    expect(reaper.watched.size).toBe(0);
  });

  test('of one session ends with it, and is not started for one that has ended', async () => {
    const reaper = noting();
    const upstream = startUpstream(
      serverSpec(['--era', '2025'], { instances: { per: 'session', max: 2 } }),
      testHost(),
      reaper,
    );
    const ended = new AbortController();
    const client = {
      ...toolCall('x').client,
      era: '2025',
      session: { key: 's', ended: ended.signal },
    } as const;
    expect((await upstream.handle(toolCall('echo', {}, { client }), nobody)).kind).toBe('complete');
    expect([upstream.state().links, reaper.watched.size]).toEqual([1, 1]);
    ended.abort();
    await upstream.host.logged('link ended');
    expect([upstream.state().links, reaper.watched.size]).toEqual([0, 0]);
    expect(codeOf(await upstream.handle(toolCall('echo', {}, { client }), nobody))).toBe('SESSION_UNKNOWN');
    await upstream.close();
  });
});
