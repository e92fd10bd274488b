// How soon an upstream that failed is found to work again, and how many more requests one gets that fails half of
// them. Prints figures and judges nothing: `npm run bench -- failing`.
import { setTimeout as pause } from 'node:timers/promises';
import { startSubject } from './gateway.ts';

const OUTAGES = 20;
/** How long the upstream is down each time, milliseconds: longer than the longest time it is not called. */
const DOWN_MS = 2_500;
const REQUESTS = 2_000;
/** Of those, how many at once. */
const AT_ONCE = 10;

interface Upstream extends Disposable {
  readonly url: string;
  /** Requests that were no probe and no greeting. */
  seen: number;
  fails: (nth: number) => boolean;
}

function startUpstream(): Upstream {
  const state = { seen: 0, fails: (_nth: number): boolean => false };
  const answer = (id: unknown, result: object): Response =>
    Response.json({ jsonrpc: '2.0', id, result: { resultType: 'complete', ...result } });
  const hints = { ttlMs: 0, cacheScope: 'private' };
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      if (request.method !== 'POST') return new Response(null, { status: 405 });
      const { id, method } = (await request.json()) as { id: unknown; method: string };
      const isCounted = method === 'prompts/get';
      if (isCounted) state.seen++;
      if (state.fails(state.seen)) return new Response(null, { status: 503 });
      if (method === 'server/discover')
        return answer(id, {
          supportedVersions: ['2026-07-28'],
          capabilities: { prompts: {} },
          ...hints,
        });
      if (method === 'prompts/list') return answer(id, { prompts: [{ name: 'p' }], ...hints });
      return answer(id, { messages: [] });
    },
  });
  return Object.assign(state, {
    url: `http://127.0.0.1:${server.port}/mcp`,
    [Symbol.dispose]: () => void server.stop(true),
  });
}

/** @returns whether it was answered well */
async function ask(url: string): Promise<boolean> {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'prompts/get',
      'mcp-name': 'p',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'prompts/get',
      params: { name: 'p', _meta: meta },
    }),
  });
  return 'result' in ((await answer.json()) as object);
}

/** @returns milliseconds from the moment it works again to the first call that is answered */
async function recovery(url: string, upstream: Upstream): Promise<{ failures: number; ms: number }> {
  const down = { failures: 0 };
  upstream.fails = () => true;
  const before = upstream.seen;
  const until = performance.now() + DOWN_MS * (0.8 + 0.4 * Math.random());
  while (performance.now() < until) {
    await ask(url);
    await pause(5);
  }
  down.failures = upstream.seen - before;
  upstream.fails = () => false;
  const healed = performance.now();
  while (!(await ask(url))) await pause(1);
  return { ...down, ms: performance.now() - healed };
}

async function amplification(url: string, upstream: Upstream): Promise<{ sent: number; well: number }> {
  upstream.fails = () => Math.random() < 0.5;
  const before = upstream.seen;
  let left = REQUESTS;
  let well = 0;
  const one = async (): Promise<void> => {
    while (left-- > 0) if (await ask(url)) well++;
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return { sent: upstream.seen - before, well };
}

using upstream = startUpstream();
{
  // One that is not retried shows what the breaker does alone.
  await using subject = await startSubject(upstream.url, { retry: { max: 0 } });
  while (!(await ask(subject.url))) await pause(10);
  const outages = [];
  for (let nth = 0; nth < OUTAGES; nth++) outages.push(await recovery(subject.url, upstream));
  const times = outages.map(({ ms }) => ms).sort((a, b) => a - b);
  const most = Math.max(...outages.map(({ failures }) => failures));
  console.log(`${OUTAGES} outages, breaker as it is by default:`);
  console.log(`  requests that an upstream that is down got of a stream of calls: ${most} at most`);
  console.log(
    `  from its healing to the first answer: median ${times[OUTAGES / 2]?.toFixed(0)} ms, most ${times.at(-1)?.toFixed(0)} ms`,
  );
}
upstream.fails = () => false;
{
  // Without a breaker, which would keep most of them from the upstream.
  await using subject = await startSubject(upstream.url, { breaker: 'off' });
  while (!(await ask(subject.url))) await pause(10);
  const { sent, well } = await amplification(subject.url, upstream);
  console.log(`half of all requests fail, no breaker, retries as they are by default:`);
  console.log(
    `  ${REQUESTS} requests became ${sent}: ${(sent / REQUESTS).toFixed(2)} times as many; ${((well / REQUESTS) * 100).toFixed(0)} % were answered well`,
  );
}
