// `node scripts/bun.mjs ARGS…` is `bun ARGS…` with the pinned Bun, on a machine that may have only Node and npm.
// Nothing is installed behind your back while it runs, and no .env is read.
// Passes on stdio, signals and the exit code. The installing is done by scripts/setup.mjs.
import { spawn } from 'node:child_process';
import { ensureBun, root, SetupError, say } from './setup.mjs';

run(findBun(), process.argv.slice(2));

function findBun() {
  try {
    return ensureBun();
  } catch (error) {
    say(error instanceof SetupError ? error.message : `setup failed: ${error.stack}`);
    process.exit(1);
  }
}

function run(bun, args) {
  const child = spawn(bun, ['--no-install', '--no-env-file', ...args], { cwd: root, stdio: 'inherit' });
  child.on('error', (error) => {
    say(`cannot start ${bun}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    // Die of the same signal, so that whoever waits for us sees what happened.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
  forwardSignals(child);
  if (process.env.npm_lifecycle_event) stopWithParent(child);
}

function forwardSignals(child) {
  const last = new Map();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']) {
    process.on(signal, () => {
      // npm repeats to us what a terminal sends to the whole group; a burst is one signal. The child may still
      // see two, one of them from the terminal itself: the gateway takes a second one soon after for the first.
      const now = Date.now();
      if (now - (last.get(signal) ?? 0) < 500) return;
      last.set(signal, now);
      child.kill(signal);
    });
  }
}

/** npm killed outright, or a shell between us that does not pass signals on, must not leave a gateway behind. */
function stopWithParent(child) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    child.kill('SIGTERM');
  }, 250);
}
