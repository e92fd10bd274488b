// A directory of its own for the compiled binary, and the processes started in it. Nothing of the machine's own
// configuration or environment reaches them. $SLUICE_BINARY names another binary than the one just built.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Process, type StartOptions } from './process.ts';

export const root = resolve(import.meta.dir, '../..');
const built = join(root, 'dist', process.platform === 'win32' ? 'sluice.exe' : 'sluice');
export const binary = process.env.SLUICE_BINARY ? resolve(process.env.SLUICE_BINARY) : built;

/** How a command ended. */
export interface Done {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions extends StartOptions {
  readonly input?: string;
}

/** A folder whose name has a space, gone with all its processes when its scope ends. */
export class Sandbox implements AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
  readonly binary = binary;
  readonly #processes: Process[] = [];

  private constructor(readonly dir: string) {
    this.env = {
      PATH: process.env.PATH ?? '',
      HOME: dir,
      XDG_STATE_HOME: this.path('state'),
      XDG_CONFIG_HOME: this.path('config'),
      XDG_CACHE_HOME: this.path('cache'),
      XDG_RUNTIME_DIR: dir,
      // Another gateway may well run on this machine: whoever forgets to name one must not find it.
      SLUICE_URL: 'http://127.0.0.1:1/mcp',
    };
  }

  static async open(files: Readonly<Record<string, string>> = {}): Promise<Sandbox> {
    const sandbox = new Sandbox(await realpath(await mkdtemp(join(tmpdir(), 'sluice smoke-'))));
    await sandbox.write(files);
    return sandbox;
  }

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  read(name: string): Promise<string> {
    return readFile(this.path(name), 'utf8');
  }

  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(this.path(name)), { recursive: true });
      await writeFile(this.path(name), text);
    }
  }

  /** Starts the binary and does not wait for its end. */
  start(args: readonly string[], options: StartOptions = {}): Process {
    return this.startProgram([binary, ...args], options);
  }

  startProgram(command: readonly string[], options: StartOptions = {}): Process {
    const { env, cwd = this.dir } = options;
    const started = new Process(command, { ...options, cwd, env: { ...this.env, ...env } });
    this.#processes.push(started);
    return started;
  }

  /** Runs the binary to its end. */
  run(args: readonly string[], options: RunOptions = {}): Promise<Done> {
    return this.runProgram([binary, ...args], options);
  }

  async runProgram(command: readonly string[], options: RunOptions = {}): Promise<Done> {
    const started = this.startProgram(command, options);
    await started.end(options.input ?? '');
    return { code: await started.exited, out: started.out, err: started.err };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.stop()));
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** The `gateway.yaml` of a gateway on free ports, whose admin socket lies where the commands look for it. */
export function configOf(lines: string): string {
  return `version: 1
listeners:
  - http: { listen: 127.0.0.1:0 }
admin: { listen: off }
${lines.trimStart()}`;
}

/** `upstreams.NAME` that runs the conformance fixture as a child, by itself or below `via`. */
export function everything(...via: string[]): string {
  const [command = '', ...args] = [...via, process.execPath, join(root, 'test/fixtures/everything/stdio.ts')];
  // The child is Bun, which does read the folder it is started in.
  return JSON.stringify({ command, args, cwd: root });
}
