// Whether each upstream answers: one gateway per upstream, without listeners or plugins at the top, asked for its tools.

import type { Loaded } from '../config/load.ts';
import type { Upstream } from '../config/schema.ts';
import { bareEndpoint } from '../config/settle.ts';
import { startGateway } from '../gateway/gateway.ts';
import type { Gateway } from '../gateway/types.ts';
import { META } from '../protocol/message.ts';
import { STATELESS } from '../protocol/versions.ts';
import { BUILD } from './build-info.ts';
import { quietWorld } from './prepare.ts';
import type { Shell } from './shell.ts';

export interface Probe {
  readonly name: string;
  /** False where it is known not to work. */
  readonly ok: boolean;
  /** False where it is there, and only a caller could tell whether it works: each has a credential of its own. */
  readonly judged: boolean;
  readonly ms: number;
  /** `5 tools, 2026-07-28`, or why not. */
  readonly detail: string;
}

/**
 * Probes all upstreams at once, and each place of one that has several: where one answers, nobody would miss another.
 * Their own pipelines run, because credentials may come from there.
 */
export function probeUpstreams(shell: Shell, loaded: Loaded): Promise<Probe[]> {
  const places = loaded.config.upstreams.flatMap(placesOf);
  return Promise.all(
    places.map(async ({ upstream, where }) => {
      const found = await probe(shell, loaded, upstream);
      return where === undefined ? found : { ...found, detail: `${where}  ${found.detail}` };
    }),
  );
}

function placesOf(upstream: Upstream): { upstream: Upstream; where: string | undefined }[] {
  if (upstream.kind !== 'url' || upstream.urls.length === 1) return [{ upstream, where: undefined }];
  return upstream.urls.map((url) => {
    const { protocol, host, pathname } = new URL(url);
    return { upstream: { ...upstream, urls: [url] }, where: `${protocol}//${host}${pathname}` };
  });
}

async function probe(shell: Shell, loaded: Loaded, upstream: Upstream): Promise<Probe> {
  const { name } = upstream;
  const began = performance.now();
  const took = (): number => performance.now() - began;
  const said = await asked(shell, loaded, upstream);
  if (said.code !== 'CREDENTIAL_MISSING')
    return { name, ok: said.ok, judged: true, ms: took(), detail: said.detail };
  // As nobody it can at least be asked whether it is there.
  const bare = await asked(shell, loaded, { ...upstream, pipeline: [] });
  const isThere = bare.ok || bare.status !== undefined;
  const detail = isThere ? `is there; it takes a credential of each caller, and this is none` : bare.detail;
  return { name, ok: isThere, judged: !isThere, ms: took(), detail };
}

interface Said {
  readonly ok: boolean;
  readonly detail: string;
  /** Of an error of the gateway. */
  readonly code?: string | undefined;
  /** What the upstream answered over HTTP instead. */
  readonly status?: number | undefined;
}

async function asked(shell: Shell, loaded: Loaded, upstream: Upstream): Promise<Said> {
  const alone = bareEndpoint('/mcp', upstream.name);
  const config = { ...loaded.config, upstreams: [upstream], endpoints: [alone], pipeline: [], drain: 0 };
  const started = await startGateway(quietWorld(shell, { ...loaded, config }));
  if (!started.ok) return { ok: false, detail: started.diagnostics.map(({ message }) => message).join('; ') };
  const { gateway } = started;
  try {
    const said = await inStartTime(upstream, listTools(gateway));
    const [seen] = gateway.report().upstreams;
    const eras = seen === undefined || seen.eras.length === 0 ? '' : `, ${seen.eras.join(', ')}`;
    return said.ok ? { ...said, detail: `${said.detail}${eras}` } : said;
  } finally {
    await gateway.stop();
  }
}

/** An upstream that says nothing more must not keep the command: it has the time that a start has. */
async function inStartTime({ name, timeouts: { start } }: Upstream, answer: Promise<Said>): Promise<Said> {
  const { promise, resolve } = Promise.withResolvers<Said>();
  const detail = `The upstream "${name}" did not answer within timeouts.start (${start} ms).`;
  const timer = setTimeout(() => resolve({ ok: false, detail }), start);
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}

interface Answer {
  readonly result?: { readonly tools?: readonly unknown[] };
  readonly error?: { readonly message: string; readonly data?: Pick<Said, 'code' | 'status'> };
}

/** One request over the gateway's own pipes. */
async function listTools(gateway: Gateway): Promise<Said> {
  const line = Promise.withResolvers<string>();
  let end = (): void => {};
  const input = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(`${request()}\n`));
      end = () => controller.close();
    },
  });
  const served = gateway.serveStdio(input, async (data) => {
    // Notifications may come before the answer.
    for (const each of String(data).split('\n')) if (/"id"\s*:\s*1\b/.test(each)) line.resolve(each);
  });
  served.catch(line.reject);
  const { result, error } = JSON.parse(await line.promise) as Answer;
  end();
  await served;
  if (result !== undefined) return { ok: true, detail: quantity(result.tools?.length ?? 0) };
  // An upstream without tools has said so, and is there.
  if (error?.data?.code === undefined) return { ok: true, detail: 'no tools' };
  const { code, status } = error.data;
  return { ok: false, detail: error.message, code, status };
}

function request(): string {
  const meta = {
    [META.protocolVersion]: STATELESS,
    [META.clientInfo]: { name: 'sluice-check', version: BUILD.version },
    [META.clientCapabilities]: {},
  };
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } });
}

function quantity(tools: number): string {
  return tools === 1 ? '1 tool' : `${tools} tools`;
}
