// A load: connections that ask again as soon as they are answered. By wrk, where it is there, else by a small one of
// our own, in a process of its own either way.
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { REST } from './pinning.ts';
import { FIRST } from './requests.ts';

export interface Load {
  readonly url: string;
  readonly requests: readonly (readonly string[])[];
  readonly connections: number;
  readonly seconds: number;
  /** Milliseconds between an answer and the next request. */
  readonly pause: number;
}

export interface Heard {
  readonly requests: number;
  readonly seconds: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Answers that were errors, and connections that broke. */
  readonly bad: number;
}

export const LOADER = Bun.which('wrk') === null ? 'own' : 'wrk';
const OWN = fileURLToPath(new URL('./loader.ts', import.meta.url));
let scripts = 0;

/** JSON's escapes of what is in a request are Lua's as well. */
function luaOf({ requests, pause }: Load): string {
  const all = requests.map((pieces) => `{${pieces.map((piece) => JSON.stringify(piece)).join()}}`);
  return `
local all, n = {${all.join()}}, ${FIRST}
function request() n = n + 1; return table.concat(all[n % #all + 1], n) end
${pause > 0 ? `function delay() return ${pause} end` : ''}
function done(summary, latency)
  local bad = 0
  for _, count in pairs(summary.errors) do bad = bad + count end
  io.write(string.format('{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"bad":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), bad))
end
`;
}

async function said(command: readonly string[]): Promise<Heard> {
  const child = Bun.spawn([...REST, ...command], { stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' });
  const text = await new Response(child.stdout).text();
  const line = /^\{"requests".*$/m.exec(text)?.[0];
  if (line === undefined) throw new Error(`The load ended with ${await child.exited}: ${text}`);
  return JSON.parse(line);
}

export async function offer(load: Load): Promise<Heard> {
  const { url, connections, seconds } = load;
  const file = join(tmpdir(), `sluice-bench-${process.pid}-${++scripts}`);
  await writeFile(file, LOADER === 'wrk' ? luaOf(load) : JSON.stringify(load));
  try {
    if (LOADER === 'own') return await said([process.execPath, OWN, file]);
    return await said(['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '-s', file, url]);
  } finally {
    await rm(file);
  }
}
