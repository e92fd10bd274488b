// Process groups: how they are signalled, and who ends them when this process dies without having done so itself,
// SIGKILL included. A small shell waits on a pipe that only we hold; when it closes, the shell ends the groups it knows.

import { kill } from 'node:process';
import { messageOf } from '../core/errors.ts';
import { type Log, SILENT } from '../core/log.ts';

const SHELL = '/bin/sh';
const SHORT_LIFE_MS = 1_000;
const SCRIPT = `
trap '' INT HUP TERM
groups=' '
while read -r op id; do
  case $op in
    +) groups="$groups$id " ;;
    -) groups="\${groups%% $id *} \${groups#* $id }" ;;
  esac
done
for id in $groups; do kill -TERM -"$id" 2>/dev/null; done
[ "$groups" = ' ' ] || sleep 1
for id in $groups; do kill -KILL -"$id" 2>/dev/null; done
`;

export interface Reaper {
  /** Whether a process is to be started as the leader of a group. */
  readonly grouped: boolean;
  /** Called before a process is started. @throws Error when it could not be watched then */
  prepare(): void;
  /** Ends this process group, whatever happens to us, until `forget`. @throws Error when that is not possible */
  watch(group: number): void;
  forget(group: number): void;
  /** Signals everybody in the group; nobody may be left there. */
  signal(group: number, signal: 'SIGTERM' | 'SIGKILL'): void;
  close(): void;
}

type Shell = Bun.Subprocess<'pipe', 'ignore', 'ignore'>;

/**
 * One per gateway; the shell starts with the first child, and again if somebody ends it.
 * @param system as the runtime names it; Windows has no groups
 * @param shell where there is none, groups are ended by this process alone
 */
export function createReaper(log: Log = SILENT, system = 'linux', shell = SHELL): Reaper {
  if (system === 'win32') return windowsReaper();
  const groups = new Set<number>();
  let running: Shell | undefined;
  let closed = false;
  let isPossible = true;

  function prepare(): void {
    if (running || !isPossible || closed) return;
    try {
      const started = startShell(shell);
      running = started;
      const since = performance.now();
      void started.exited.then(() => {
        if (running === started) running = undefined;
        // One that ends at once would do so again; the next process finds out.
        if (groups.size > 0 && performance.now() - since > SHORT_LIFE_MS) again();
      });
      for (const group of groups) send(started, `+ ${group}`);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') throw error;
      isPossible = false;
      log.warn('processes outlive a gateway that is killed', { why: `there is no ${shell}` });
    }
  }

  /** What is watched stays watched. */
  function again(): void {
    try {
      prepare();
    } catch (error) {
      log.warn('the reaper cannot be started again', { error: messageOf(error) });
    }
  }

  function tell(line: string): void {
    if (!running) return;
    try {
      send(running, line);
    } catch {
      // It is gone, which is not known yet. The next one is told everything.
      running = undefined;
      prepare();
    }
  }

  return {
    grouped: true,
    prepare,
    watch(group) {
      // Before it is added: a shell that starts now is told of all that are there.
      prepare();
      groups.add(group);
      try {
        tell(`+ ${group}`);
      } catch (error) {
        groups.delete(group);
        throw error;
      }
    },
    forget(group) {
      if (groups.delete(group)) tell(`- ${group}`);
    },
    signal: signalGroup,
    close() {
      closed = true;
      groups.clear();
      running?.stdin.end();
      running = undefined;
    },
  };
}

function startShell(shell: string): Shell {
  const started = Bun.spawn([shell, '-c', SCRIPT], {
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
    detached: true,
    env: {},
  });
  started.unref();
  return started;
}

function send({ stdin }: Shell, line: string): void {
  stdin.write(`${line}\n`);
  void Promise.resolve(stdin.flush()).catch(() => {});
}

function signalGroup(group: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    kill(-group, signal);
  } catch {
    // ESRCH: nobody left in the group.
  }
}

/**
 * Windows has no groups, no TERM and no shell of ours: a process and what it started are ended by force, as long as
 * it is there to be asked for its children.
 * @param run starts a program and does not wait for it
 */
export function windowsReaper(run = startQuietly): Reaper {
  return {
    ...NO_REAPER,
    grouped: false,
    signal(pid, signal) {
      if (signal === 'SIGKILL') run(['taskkill', '/pid', String(pid), '/t', '/f']);
    },
  };
}

function startQuietly(command: string[]): void {
  try {
    Bun.spawn(command, { stdio: ['ignore', 'ignore', 'ignore'], windowsHide: true }).unref();
  } catch {
    // Without the program the process ends with its input, or not at all.
  }
}

/** Watches nothing. */
export const NO_REAPER: Reaper = {
  grouped: true,
  prepare() {},
  watch() {},
  forget() {},
  signal: signalGroup,
  close() {},
};
