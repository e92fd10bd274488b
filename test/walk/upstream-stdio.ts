// A server by hand behind a process: the gateway starts a relay for each link, which hands its lines over here.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from './inbox.ts';
import type { Arrival, Manners, UpstreamWire } from './upstream-wire.ts';

const RELAY = fileURLToPath(new URL('./relay.ts', import.meta.url));

export async function stdioUpstream({ answer, inbox }: Manners): Promise<UpstreamWire> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-walk-'));
  const path = join(dir, 'up.sock');
  const links = new Set<Socket>();
  let started = 0;

  const server = createServer({ allowHalfOpen: false }, (socket) => {
    const link = `process-${++started}`;
    links.add(socket);
    socket.on('close', () => links.delete(socket));
    socket.on('error', () => {});
    let buffer = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      const lines = (buffer + chunk).split('\n');
      buffer = lines.pop() ?? '';
      for (const line of lines) take(line, link, socket);
    });
  });

  function take(line: string, link: string, socket: Socket): void {
    const write = (text: string): void => void socket.write(`${text}\n`);
    const cut = (): void => void socket.destroy();
    const arrival: Arrival = { ...messageOf(line), link, send: write, finish: write, cut };
    const text = answer(arrival);
    if (text === undefined) inbox.put(arrival);
    else if (text !== '') write(text);
  }

  await new Promise<void>((resolve) => server.listen(path, resolve));
  const die = (): void => {
    for (const socket of links) socket.destroy();
  };
  return {
    config: { command: process.execPath, args: [RELAY, path] },
    async announce(text) {
      for (const socket of links) socket.write(`${text}\n`);
    },
    forget() {
      throw new Error('a process has no session to forget');
    },
    die,
    async stop() {
      die();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
