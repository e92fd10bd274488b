// Ends child process groups when this process dies without having done so itself, SIGKILL included.
// A small shell waits on a pipe that only we hold; when the pipe closes it ends the groups it knows.

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
  /** Ends this process group, whatever happens to us, until `forget`. */
  watch(group: number): void;
  forget(group: number): void;
  close(): void;
}

/** One per gateway; the shell starts with the first child. */
export function createReaper(): Reaper {
  let shell: Bun.Subprocess<'pipe', 'ignore', 'ignore'> | undefined;
  const tell = (line: string): void => {
    shell ??= Bun.spawn(['/bin/sh', '-c', SCRIPT], {
      stdin: 'pipe',
      stdout: 'ignore',
      stderr: 'ignore',
      detached: true,
      env: {},
    });
    shell.unref();
    shell.stdin.write(`${line}\n`);
    shell.stdin.flush();
  };
  return {
    watch: (group) => tell(`+ ${group}`),
    forget: (group) => tell(`- ${group}`),
    close() {
      shell?.stdin.end();
      shell = undefined;
    },
  };
}

/** Where there are no process groups to signal, nothing is watched. */
export const NO_REAPER: Reaper = { watch() {}, forget() {}, close() {} };
