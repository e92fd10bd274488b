// What a gateway says when it has started: a few lines for people, or JSON lines. Pure text but for the log.

import type { Admin } from '../admin/server.ts';
import type { GatewayReport, Warmed } from '../gateway/types.ts';
import { BUILD } from './build-info.ts';
import type { Logger } from './log.ts';
import { visible } from './log-fields.ts';

export interface Greeting {
  /** `gateway.yaml`, `built-in demo`. */
  readonly config: string;
  /** Whether no file was found. */
  readonly builtIn: boolean;
  readonly report: GatewayReport;
  readonly admin: Pick<Admin, 'url' | 'socket'>;
  readonly ms: number;
  readonly watched: boolean;
}

/** Lines of the start text, each URL a client can be given among them. Ends in a line break. */
export function greet({ config, builtIn, report, admin, ms, watched }: Greeting, color: boolean): string {
  const paint = (code: number, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const row = (name: string, text: string): string => `  ${paint(2, name.padEnd(11))} ${text}`;
  const source = builtIn ? `${config} (sluice init writes gateway.yaml)` : visible(config);
  const urls = report.listeners.flatMap((listener) => reachable(listener));
  const admins = [admin.url, admin.socket].filter((place) => place !== undefined);
  const lines = [
    `${paint(1, `sluice ${BUILD.version}`)} · ${BUILD.platform} · config: ${source}`,
    ...report.upstreams.map(({ name, kind, target }) =>
      row(name, kind === 'builtin' ? kind : `${kind} ${visible(target)}`),
    ),
    row('pipeline', report.pipeline.length === 0 ? 'empty' : report.pipeline.join(' → ')),
    ...urls.map((url) => row('MCP', paint(36, url))),
    ...(admins.length === 0 ? [] : [row('admin', admins.join(' · '))]),
    `ready in ${Math.round(ms)} ms${watched ? ' · watching for changes' : ''}${hint(report)}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** One upstream, once it is known whether it is there. Ends in a line break. */
export function greetUpstream(warmed: Warmed, color: boolean): string {
  const paint = (code: number, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const name = warmed.name.padEnd(10);
  const ms = `${Math.round(warmed.ms)} ms`;
  if (!warmed.ok && warmed.isForCallers)
    return `  ${paint(33, '?')} ${name} takes a credential of each caller, and nobody has called yet\n`;
  if (!warmed.ok) return `  ${paint(31, '✗')} ${name} ${visible(warmed.why)}  ${ms}\n`;
  const tools = warmed.tools === 1 ? '1 tool' : `${warmed.tools} tools`;
  return `  ${paint(32, '✓')} ${name} ${[tools, warmed.eras.join(', '), ms].filter(Boolean).join('  ')}\n`;
}

/** The same as log lines; the URLs come whatever the level, because programs wait for them. */
export function logStart({ config, report, admin, ms }: Greeting, logger: Logger): void {
  logger.notice('started', {
    version: BUILD.version,
    config,
    upstreams: report.upstreams.length,
    pipeline: report.pipeline.join(','),
    admin: admin.url,
    socket: admin.socket,
    ms: Math.round(ms),
  });
  for (const listener of report.listeners)
    for (const [at, url] of listener.urls.entries())
      logger.notice('listening', { url, public: listener.publicUrls?.[at], address: listener.address });
}

/** What to give a client: a URL, and where that is another one, or a socket, what it is spoken over. */
export function reachable({ address, urls, publicUrls }: GatewayReport['listeners'][number]): string[] {
  if (publicUrls !== undefined) return publicUrls.map((url) => `${url} (on ${address})`);
  return address.startsWith('unix:') ? urls.map((url) => `${address} (${url})`) : [...urls];
}

function hint({ upstreams }: GatewayReport): string {
  const demo = upstreams.find(({ kind }) => kind === 'builtin');
  if (demo === undefined) return '';
  const tool = upstreams.length === 1 ? 'slow_count' : `${demo.name}__slow_count`;
  return ` · try: sluice call ${tool} to=5`;
}
