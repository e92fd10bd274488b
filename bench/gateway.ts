// The gateway of a benchmark: a process of its own, as users run it, and the memory it takes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memoryOf } from './process.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export interface Subject extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Resident memory, in bytes. Linux tells; elsewhere NaN. */
  memory(): Promise<number>;
}

/**
 * Starts `$SLUICE` or, where that is unset, the sources, with one upstream.
 * @param more of its configuration
 * @param top of that of the gateway
 * @param under what its command begins with
 */
export async function startSubject(
  upstream: string,
  more: object = {},
  top: object = {},
  under: readonly string[] = [],
): Promise<Subject> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const file = join(dir, 'gateway.yaml');
  const listener = { http: { listen: '127.0.0.1:0' } };
  const admin = { listen: 'off', socket: 'off' };
  const config = {
    version: 1,
    listeners: [listener],
    admin,
    upstreams: { up: { url: upstream, ...more } },
    ...top,
  };
  await writeFile(file, JSON.stringify(config));
  const binary = process.env.SLUICE;
  const command = binary === undefined ? [process.execPath, MAIN] : [binary];
  const child = Bun.spawn([...under, ...command, 'run', '--config', file], {
    cwd: dir,
    env: { ...process.env, XDG_STATE_HOME: dir, XDG_RUNTIME_DIR: dir },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  });
  const url = await addressOf(child.stderr);
  return {
    url,
    pid: child.pid,
    memory: () => memoryOf(child.pid),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await child.exited;
      clearTimeout(timer);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function addressOf(log: ReadableStream<Uint8Array>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = '';
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of log) {
      if (said.length < 100_000) said += decoder.decode(chunk, { stream: true });
      const url = /http:\/\/127\.0\.0\.1:\d+\/mcp\b/.exec(said)?.[0];
      if (url !== undefined) resolve(url);
    }
    reject(new Error(`The gateway ended:\n${said}`));
  };
  void read();
  return promise;
}
