// What a tenant that floods does to another beside it: without limits, and with places that tenants share. Prints
// figures and judges nothing: `npm run bench -- fairness`.
import { setTimeout as pause } from 'node:timers/promises';
import { startSubject } from './gateway.ts';

/** Calls of the calm tenant, one after the other; fewer where each takes long. */
const CALLS = 500;
const FEW = 100;
/** Calls that the other keeps going at once. */
const FLOOD = 100;
/** What one call takes at the server, and how many it takes at once, as one with a pool of workers does. */
const WORK_MS = 20;
const WORKERS = 8;
/** Until who was refused comes again. */
const AGAIN_MS = 50;

const KEYS = { calm: `calm-${'0123456789abcdef'.repeat(2)}`, loud: `loud-${'0123456789abcdef'.repeat(2)}` };
type Who = keyof typeof KEYS;

function startServer() {
  const waiting: (() => void)[] = [];
  let free = WORKERS;
  async function work(): Promise<void> {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    await pause(WORK_MS);
    const next = waiting.shift();
    if (next) next();
    else free++;
  }
  const hints = { ttlMs: 60_000, cacheScope: 'public' };
  const answers: Readonly<Record<string, object>> = {
    'server/discover': { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, ...hints },
    'tools/list': { tools: [{ name: 'work', inputSchema: { type: 'object' } }], ...hints },
  };
  return Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      if (request.method !== 'POST') return new Response(null, { status: 405 });
      const { id, method } = (await request.json()) as { id: unknown; method: string };
      if (method === 'tools/call') await work();
      const result = { resultType: 'complete', ...(answers[method] ?? { content: [] }) };
      return Response.json({ jsonrpc: '2.0', id, result });
    },
  });
}

/** @returns how long it took, and whether it was done */
async function call(url: string, who: Who): Promise<{ ms: number; done: boolean }> {
  const began = performance.now();
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${KEYS[who]}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'work',
    },
    body: JSON.stringify({
      ...{ jsonrpc: '2.0', id: 1, method: 'tools/call' },
      params: { name: 'work', arguments: {}, _meta: meta },
    }),
  });
  const { result } = (await response.json()) as { result?: object };
  return { ms: performance.now() - began, done: result !== undefined };
}

async function flood(url: string, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    const { done } = await call(url, 'loud');
    if (!done) await pause(AGAIN_MS);
  }
}

async function measure(name: string, limits: object | undefined, isFlooded: boolean): Promise<number> {
  const calls = limits ? CALLS : FEW;
  using server = startServer();
  const keys = Object.entries(KEYS).map(([id, key]) => ({ key, id, tenant: id }));
  const pipeline = [
    { auth: { api_keys: { file: 'off', keys } } },
    ...(limits ? [{ ratelimit: limits }] : []),
  ];
  await using subject = await startSubject(`http://127.0.0.1:${server.port}/mcp`, {}, { pipeline });
  const stop = new AbortController();
  for (let i = 0; i < 20; i++) await call(subject.url, 'calm');
  const flooding = isFlooded ? Array.from({ length: FLOOD }, () => flood(subject.url, stop.signal)) : [];
  if (isFlooded) await pause(1_000);
  const times: number[] = [];
  let refused = 0;
  for (let i = 0; i < calls; i++) {
    const { ms, done } = await call(subject.url, 'calm');
    times.push(ms);
    if (!done) refused++;
  }
  stop.abort();
  await Promise.all(flooding);
  times.sort((a, b) => a - b);
  const at = (part: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0;
  console.log(
    `${name.padEnd(34)} p50 ${at(0.5).toFixed(1).padStart(7)} ms   p99 ${at(0.99).toFixed(1).padStart(7)} ms   ${refused} refused`,
  );
  return at(0.99);
}

const PLACES = {
  concurrency: WORKERS,
  per: 'upstream',
  share: '50%',
  queue: { length: 200, timeout: '30s' },
};

const alone = await measure('the calm tenant alone', PLACES, false);
const beside = await measure('beside a flood, without limits', undefined, true);
const limited = await measure('beside a flood, places shared 50 %', PLACES, true);
console.log(
  `p99 ${(beside / alone).toFixed(1)} times as long without limits, ${(limited / alone).toFixed(1)} with`,
);
