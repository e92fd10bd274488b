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
  readonly ok: boolean;
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
  const alone = bareEndpoint('/mcp', name);
  const config = { ...loaded.config, upstreams: [upstream], endpoints: [alone], pipeline: [], drain: 0 };
  const started = await startGateway(quietWorld(shell, { ...loaded, config }));
  const took = (): number => performance.now() - began;
  if (!started.ok) {
    const detail = started.diagnostics.map(({ message }) => message).join('; ');
    return { name, ok: false, ms: took(), detail };
  }
  const { gateway } = started;
  try {
    const said = await inStartTime(upstream, listTools(gateway));
    const [seen] = gateway.report().upstreams;
    const eras = seen === undefined || seen.eras.length === 0 ? '' : `, ${seen.eras.join(', ')}`;
    return { name, ok: said.ok, ms: took(), detail: `${said.detail}${said.ok ? eras : ''}` };
  } finally {
    await gateway.stop();
  }
}

/** An upstream that says nothing more must not keep the command: it has the time that a start has. */
async function inStartTime(
  { name, timeouts: { start } }: Upstream,
  answer: Promise<{ ok: boolean; detail: string }>,
): Promise<{ ok: boolean; detail: string }> {
  const { promise, resolve } = Promise.withResolvers<{ ok: boolean; detail: string }>();
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
  readonly error?: { readonly message: string; readonly data?: { readonly code?: string } };
}

/** One request over the gateway's own pipes. */
async function listTools(gateway: Gateway): Promise<{ ok: boolean; detail: string }> {
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
  return { ok: false, detail: error.message };
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
