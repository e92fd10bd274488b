// `bun src/main.ts …` as a child in a folder of its own: what it wrote, how it ended, and waiting for either.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Subprocess } from 'bun';

const MAIN = join(import.meta.dir, '../../../src/main.ts');

export interface Done {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A terminal of its own as stdin, stdout and stderr; what it shows is in `out`. */
  readonly terminal?: boolean;
}

/** A folder with everything the program may write to, removed with its children at the end. */
export class Home implements AsyncDisposable {
  readonly dir = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-cli-')));
  readonly #children: Child[] = [];

  path(...parts: string[]): string {
    return join(this.dir, ...parts);
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  start(args: readonly string[], { env = {}, terminal = false }: StartOptions = {}): Child {
    const child = new Child(args, this.dir, { ...this.env(), ...env }, terminal);
    this.#children.push(child);
    return child;
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], input = '', env: Record<string, string> = {}): Promise<Done> {
    const child = this.start(args, { env });
    child.end(input);
    return { code: await child.exited, out: child.out, err: child.err };
  }

  env(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      HOME: this.dir,
      XDG_STATE_HOME: this.path('state'),
      XDG_CONFIG_HOME: this.path('config'),
      XDG_RUNTIME_DIR: this.dir,
      // Another gateway may run on this machine; nobody listens here.
      SLUICE_URL: 'http://127.0.0.1:1/mcp',
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => child.kill()));
    rmSync(this.dir, { recursive: true, force: true });
  }
}

type Piped = Subprocess<'pipe', 'pipe', 'pipe'>;

export class Child {
  out = '';
  err = '';
  readonly exited: Promise<number>;
  readonly #process: Piped;
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[], cwd: string, env: Record<string, string>, terminal: boolean) {
    const data = (_: unknown, bytes: Uint8Array): void => this.#add('out', new TextDecoder().decode(bytes));
    const streams = terminal
      ? { terminal: { cols: 100, rows: 30, data } }
      : ({ stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' } as const);
    const command = [process.execPath, MAIN, ...args];
    // Without a terminal it must not find that of whoever runs the tests either.
    this.#process = Bun.spawn(command, { cwd, env, detached: !terminal, ...streams }) as Piped;
    const reading = terminal ? [] : [this.#read('out'), this.#read('err')];
    this.exited = Promise.all([this.#process.exited, ...reading]).then(([code]) => {
      for (const look of this.#waiting) look();
      return code;
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Everything it has written. */
  get said(): string {
    return this.out + this.err;
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  type(text: string): void {
    this.#process.terminal?.write(text);
  }

  /** Makes its terminal larger or smaller. */
  resize(columns: number, rows: number): void {
    this.#process.terminal?.resize(columns, rows);
  }

  /** Takes its terminal away. */
  hangUp(): void {
    this.#process.terminal?.close();
  }

  send(text: string): void {
    this.#process.stdin.write(text);
    this.#process.stdin.flush();
  }

  end(text = ''): void {
    if (text !== '') this.#process.stdin.write(text);
    this.#process.stdin.end();
  }

  /** Waits for a text; rejects when the child ends without it. */
  until(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const look = (): void => {
      const found = pattern.exec(this.said);
      if (found !== null) resolve(found);
    };
    this.#waiting.add(look);
    look();
    void this.exited.then((code) =>
      reject(new Error(`ended with ${code}, without ${pattern}:\n${this.said}`)),
    );
    return promise.finally(() => this.#waiting.delete(look));
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.signal('SIGKILL');
    await this.#process.exited;
  }

  #add(stream: 'out' | 'err', text: string): void {
    this[stream] += text;
    for (const look of this.#waiting) look();
  }

  async #read(stream: 'out' | 'err'): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#process[stream === 'out' ? 'stdout' : 'stderr'])
      this.#add(stream, decoder.decode(chunk, { stream: true }));
  }
}

/** A gateway.yaml with the demo, a free port, the admin socket beside it, and no admin port. */
export function demoConfig(extra = ''): string {
  return `listeners:
  - http: { listen: "127.0.0.1:0" }
admin: { listen: off, socket: ./admin.sock }
upstreams:
  demo: { builtin: demo }
${extra}`;
}

/** The URL a gateway says clients may use. */
export async function urlOf(gateway: Child): Promise<string> {
  return (await gateway.until(/http:\/\/127\.0\.0\.1:\d+\/mcp\b/))[0];
}
