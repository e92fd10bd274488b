// One process under test: what it writes, how it ends, and waiting for either. Knows nothing of gateways but how
// they say their address.
import type { Subprocess } from 'bun';
import { eventually } from './eventually.ts';

export interface StartOptions {
  /** Over those of the sandbox; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** On a terminal of its own, which is then stdin, stdout and stderr; or on none, not even that of whoever tests. */
  readonly terminal?: 'own' | 'none';
}

const STOP_MS = 5_000;

export class Process {
  /** Everything written so far; on a terminal, all of it is in `out`. */
  out = '';
  err = '';
  /** The exit code; that of a shell where a signal ended it. */
  readonly exited: Promise<number>;
  readonly #child: Subprocess<'pipe', 'pipe', 'pipe'>;

  constructor(command: readonly string[], { env, cwd = '/', terminal }: StartOptions) {
    const decoder = new TextDecoder();
    const data = (_: unknown, bytes: Uint8Array): void => {
      this.out += decoder.decode(bytes, { stream: true });
    };
    // A terminal made beforehand and handed in would not be the controlling one (Bun 1.4.5).
    const isOwn = terminal === 'own';
    const streams = isOwn
      ? { terminal: { cols: 100, rows: 30, data } }
      : ({ stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' } as const);
    const options = { cwd, env: { ...env }, detached: terminal === 'none', ...streams };
    this.#child = Bun.spawn([...command], options) as Subprocess<'pipe', 'pipe', 'pipe'>;
    const read = isOwn ? [] : [this.#read('out'), this.#read('err')];
    this.exited = Promise.all([this.#child.exited, ...read]).then(([code]) => code);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** What people are told: stderr, or all that is on its terminal. */
  get log(): string {
    return this.err === '' ? this.out : this.err;
  }

  /** Waits for something in the log, after the first `from` characters of it. */
  until(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    return eventually(
      () => {
        const found = pattern.exec(this.log.slice(from));
        if (!found && !this.isRunning) throw new Error(`it ended with ${this.#child.exitCode}:\n${this.log}`);
        return found;
      },
      () => `${pattern} in what it wrote:\n${this.log.slice(from)}`,
    );
  }

  /** The URL it says clients may use. */
  async url(): Promise<string> {
    return (await this.until(/http:\/\/127\.0\.0\.1:\d+\/mcp\b/))[0];
  }

  async send(text: string): Promise<void> {
    this.#child.stdin.write(text);
    await this.#child.stdin.flush();
  }

  /** The last of its input. */
  async end(text = ''): Promise<void> {
    if (text !== '') await this.send(text);
    await this.#child.stdin?.end();
  }

  type(text: string): void {
    this.#child.terminal?.write(text);
  }

  /** Takes its terminal away, as a window that is closed. */
  hangUp(): void {
    this.#child.terminal?.close();
  }

  async stop(): Promise<void> {
    if (this.isRunning) this.signal('SIGTERM');
    const kill = setTimeout(() => this.signal('SIGKILL'), STOP_MS);
    await this.#child.exited;
    clearTimeout(kill);
    this.hangUp();
  }

  async #read(stream: 'out' | 'err'): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child[stream === 'out' ? 'stdout' : 'stderr']) {
      this[stream] += decoder.decode(chunk, { stream: true });
    }
  }
}
