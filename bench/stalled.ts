// Memory of the gateway while a client does not read, and while it reads a very large result; and how fast that
// comes, beside the same without a gateway. Prints figures and judges nothing: `npm run bench -- stalled`.

import { request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type Subject, startSubject } from './gateway.ts';
import { type LargeUpstream, startLargeUpstream } from './large-upstream.ts';

const MB = 1_000_000;
/** What a stalled client is offered, and what one that reads is given. */
const OFFERED = 400 * MB;
const READ = 300 * MB;
/** A reader counts as stalled when the upstream has got rid of nothing more for so long, milliseconds. */
const QUIET_MS = 1_500;

type Tool = 'result' | 'events';

function call(url: string, tool: Tool, bytes: number): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    progressToken: 'p',
  };
  const params = { name: tool, arguments: { bytes }, _meta: meta };
  const headers = {
    'content-type': 'application/json',
    accept: tool === 'result' ? 'application/json, text/event-stream' : 'text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': tool,
  };
  const request = httpRequest(url, { method: 'POST', headers, agent: false }, resolve);
  request.on('error', reject);
  request.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }));
  return promise;
}

async function readAll(answer: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of answer) bytes += chunk.length;
  return bytes;
}

/** The most memory from now on, until the returned function is called. */
function watch(subject: Subject): () => Promise<number> {
  let most = 0;
  const look = async (): Promise<void> => {
    most = Math.max(most, await subject.memory());
  };
  const timer = setInterval(look, 20);
  return async () => {
    clearInterval(timer);
    await look();
    return most;
  };
}

const mb = (bytes: number): string => `${(bytes / MB).toFixed(1)} MB`;

/** Everything has run once, and what is not needed is given back. */
async function warm(subject: Subject, upstream: LargeUpstream): Promise<number> {
  for (const tool of ['result', 'events', 'result', 'events'] as const) {
    upstream.reset();
    await readAll(await call(subject.url, tool, 20 * MB));
  }
  await pause(2_000);
  return subject.memory();
}

async function stalled(tool: Tool, subject: Subject, upstream: LargeUpstream): Promise<void> {
  const before = await subject.memory();
  const most = watch(subject);
  upstream.reset();
  const answer = await call(subject.url, tool, OFFERED);
  answer.pause();
  for (let last = -1; last !== upstream.sent; ) {
    last = upstream.sent;
    await pause(QUIET_MS);
  }
  const taken = upstream.sent;
  const grown = (await most()) - before;
  answer.destroy();
  const what = tool === 'result' ? 'one result' : 'events';
  console.log(
    `stalled reader, ${mb(OFFERED)} as ${what}: memory +${mb(grown)}, upstream held back at ${mb(taken)}`,
  );
  await pause(1_000);
}

async function read(url: string, upstream: LargeUpstream): Promise<number> {
  upstream.reset();
  const began = performance.now();
  const bytes = await readAll(await call(url, 'result', READ));
  if (bytes < READ) throw new Error(`only ${bytes} bytes came`);
  return bytes / MB / ((performance.now() - began) / 1_000);
}

using upstream = startLargeUpstream();
await using subject = await startSubject(upstream.url);
const base = await warm(subject, upstream);
console.log(`at rest: ${mb(base)}`);
await stalled('result', subject, upstream);
await stalled('events', subject, upstream);
const before = await subject.memory();
const most = watch(subject);
const through = await read(subject.url, upstream);
const grown = (await most()) - before;
const direct = await read(upstream.url, upstream);
console.log(`a result of ${mb(READ)}, read to its end: memory +${mb(grown)} at most`);
console.log(`  ${through.toFixed(0)} MB/s through the gateway, ${direct.toFixed(0)} MB/s without it`);
