// nginx as a plain reverse proxy: what a proxy costs that looks at nothing.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SUBJECT } from './pinning.ts';

export interface Nginx extends AsyncDisposable {
  readonly origin: string;
  readonly pid: number;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Upstream connections stay open, nothing is held back, and nothing is written to a disk. */
function configOf(dir: string, port: number, upstream: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const places = kinds.map((kind) => `${kind}_temp_path ${join(dir, kind)};`).join(' ');
  return `
daemon off; worker_processes 1; pid ${join(dir, 'pid')}; error_log stderr error;
events { worker_connections 4096; }
http {
  ${places}
  access_log off; keepalive_requests 1000000000; client_body_buffer_size 64k;
  upstream bench { server ${upstream}; keepalive 512; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location / {
      proxy_pass http://bench; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`;
}

function reaches(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(socket.destroy() !== undefined)).on('error', () => resolve(false));
  });
}

/** @returns undefined where there is none */
export async function startNginx(upstream: string): Promise<Nginx | undefined> {
  const path = Bun.which('nginx', { PATH: `${process.env.PATH}:/usr/sbin` });
  if (path === null) return undefined;
  const dir = await mkdtemp(join(tmpdir(), 'sluice-bench-nginx-'));
  const port = await freePort();
  const file = join(dir, 'nginx.conf');
  await writeFile(file, configOf(dir, port, new URL(upstream).host));
  const child = Bun.spawn([...SUBJECT, path, '-p', dir, '-e', 'stderr', '-c', file], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'inherit',
  });
  while (!(await reaches(port))) {
    if (child.exitCode !== null) throw new Error('nginx ended');
    // It says nowhere that it listens: a connection that it takes is the only sign.
    await Bun.sleep(20);
  }
  return {
    origin: `http://127.0.0.1:${port}`,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await child.exited;
      await rm(dir, { recursive: true, force: true });
    },
  };
}
