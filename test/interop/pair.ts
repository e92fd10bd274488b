// Runs one pair: its own server, its own gateway, its own client, all processes. Also a script, to look at one pair:
//   bun test/interop/pair.ts go@2026 http python-1@2025 stdio [direct]
// where `direct` leaves the gateway out, if both sides are reached in the same way.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { plainConfig, startGateway } from '../fixtures/gateway.ts';
import {
  type Client,
  clients,
  nameOf,
  type Pair,
  type Peer,
  type Server,
  servers,
  type Transport,
} from './matrix.ts';
import { type Languages, prepare } from './setup.ts';

/** What a step printed, without its name. */
export type Step = Readonly<Record<string, unknown>>;

export interface Ran {
  readonly steps: Readonly<Record<string, Step>>;
  /** What everybody wrote, to look at when something is wrong. */
  readonly log: string;
}

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
/** Milliseconds: for a server to accept connections, and for a client to take all its steps. */
const START = 20_000;
const STEPS = 25_000;

/** Why this pair cannot run on this machine. */
export function missing({ client, server }: Pair, languages: Languages): string | undefined {
  for (const peer of [client, server]) {
    const command = peer.command(languages);
    if ('missing' in command) return `${peer.sdk}: ${command.missing}`;
  }
  return undefined;
}

export async function runPair(pair: Pair, languages: Languages, direct = false): Promise<Ran> {
  const [ran] = await runTogether([pair.client], pair, languages, direct);
  if (ran === undefined) throw new Error('no client ran');
  return ran;
}

/** Several clients at once: those over HTTP share a gateway. */
export async function runTogether(
  together: readonly Client[],
  { over, server, via }: Omit<Pair, 'client'>,
  languages: Languages,
  direct = false,
): Promise<Ran[]> {
  await using parts = new AsyncDisposableStack();
  const logs: (() => string)[] = [];
  const upstream = await startServer(server, via, languages, parts, logs);
  const target = direct ? directly(upstream) : await throughGateway(over, upstream, parts, logs);
  const running = together.map((client) => start([...commandOf(client, languages), ...target], parts));
  const steps = await Promise.all(running.map((client) => client.lines()));
  const log = [...logs, ...running.map((client) => client.log)].map((told) => told()).join('\n');
  return steps.map((taken) => ({ steps: taken, log }));
}

/** The eras in which the gateway spoke to the server, by its own account. */
export function erasOf({ log }: Ran): string[] {
  const opened = log.split('\n').filter((line) => line.includes('"link open"'));
  return [...new Set(opened.map((line) => String(JSON.parse(line).era)))].sort();
}

type Upstream = { url: string; era?: string } | { command: string; args: string[]; era?: string };

export function commandOf(peer: Peer, languages: Languages): string[] {
  const command = peer.command(languages);
  if ('missing' in command) throw new Error(command.missing);
  return [command.program, ...command.args];
}

async function startServer(
  peer: Server,
  via: Transport,
  languages: Languages,
  parts: AsyncDisposableStack,
  logs: (() => string)[],
): Promise<Upstream> {
  const [command = '', ...args] = commandOf(peer, languages);
  const era = peer.pinned?.includes(via) ? { era: peer.era } : {};
  if (via === 'stdio') return { command, args: [...args, 'stdio'], ...era };
  const port = await freePort();
  const server = start([command, ...args, 'http', String(port)], parts);
  logs.push(() => server.log());
  await accepting(port, server);
  return { url: `http://127.0.0.1:${port}/mcp`, ...era };
}

function directly(server: Upstream): string[] {
  return 'url' in server ? [server.url] : ['--', server.command, ...server.args];
}

async function throughGateway(
  over: Transport,
  server: Upstream,
  parts: AsyncDisposableStack,
  logs: (() => string)[],
): Promise<string[]> {
  const config = plainConfig({ up: server });
  if (over === 'http') {
    const gateway = await startGateway(config);
    parts.defer(async () => void (await gateway.stop()));
    logs.push(() => gateway.log());
    return [gateway.url];
  }
  const folder = await mkdtemp(join(tmpdir(), 'sluice-interop-'));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'gateway.yaml');
  await writeFile(file, stringify({ ...config, listeners: [{ stdio: {} }], state: { dir: folder } }));
  return ['--', process.execPath, MAIN, 'run', '--config', file];
}

interface Running {
  log(): string;
  readonly ended: Promise<number>;
  /** The steps it prints until it ends. */
  lines(): Promise<Record<string, Step>>;
}

function start(cmd: string[], parts: AsyncDisposableStack): Running {
  const child = Bun.spawn({
    cmd,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: START + STEPS,
    killSignal: 'SIGKILL',
  });
  let log = '';
  let out = '';
  const read = async (stream: ReadableStream<Uint8Array>, keep: (text: string) => void) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) keep(decoder.decode(chunk, { stream: true }));
  };
  const all = Promise.all([
    read(child.stdout, (text) => {
      out += text;
    }),
    read(child.stderr, (text) => {
      log += text;
    }),
  ]);
  parts.defer(async () => {
    child.kill('SIGKILL');
    await child.exited;
  });
  return {
    log: () => log,
    ended: child.exited,
    async lines() {
      const timer = setTimeout(() => child.kill('SIGKILL'), STEPS);
      await child.exited;
      clearTimeout(timer);
      await all;
      const lines = out.split('\n');
      log += lines.filter((line) => !line.startsWith('{')).join('\n');
      return Object.fromEntries(lines.filter((line) => line.startsWith('{')).map(parse));
    },
  };
}

function parse(line: string): [string, Step] {
  const { step, ...fields } = JSON.parse(line);
  return [String(step), fields];
}

/** A port below those that connections take by themselves, so that nobody takes it before the server does. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    const probe = createServer();
    const free = await new Promise<boolean>((tell) => {
      probe.once('error', () => tell(false)).listen(port, '127.0.0.1', () => tell(true));
    });
    await new Promise((go) => probe.close(go));
    if (free) return port;
  }
}

async function accepting(port: number, server: Running): Promise<void> {
  let ended: number | undefined;
  void server.ended.then((code) => {
    ended = code;
  });
  for (const until = Date.now() + START; Date.now() < until; await Bun.sleep(10)) {
    if (ended !== undefined) throw new Error(`The server ended with ${ended}:\n${server.log()}`);
    const socket = connect(port, '127.0.0.1');
    const there = await new Promise<boolean>((tell) => {
      socket.once('connect', () => tell(true)).once('error', () => tell(false));
    });
    socket.destroy();
    if (there) return;
  }
  throw new Error(`The server accepts no connection:\n${server.log()}`);
}

if (import.meta.main) {
  const [client, over, server, via, direct] = process.argv.slice(2);
  const pair = {
    client: clients.find((peer) => nameOf(peer) === client),
    over,
    server: servers.find((peer) => nameOf(peer) === server),
    via,
  } as Pair;
  const { steps, log } = await runPair(pair, await prepare(), direct !== undefined);
  console.log(log);
  for (const [step, fields] of Object.entries(steps)) console.log(step, JSON.stringify(fields));
}
