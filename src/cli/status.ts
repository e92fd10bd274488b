// `sluice status` and `sluice health`: how the running gateway is, for people, programs and container checks.

import { formatListen } from '../config/listen.ts';
import type { GatewayReport, TargetState } from '../gateway/types.ts';
import { formatDuration } from '../lib/duration.ts';
import { adminSocket, askAdmin, refusalOf, type Target } from './admin-client.ts';
import { createReader } from './config.ts';
import { EXIT } from './exit.ts';
import { reachable } from './greeting.ts';
import { visible } from './log-fields.ts';
import type { Shell } from './shell.ts';

type Status = GatewayReport & {
  readonly sluice: string;
  readonly pid: number;
  readonly config: string;
  readonly logLevel: string;
  readonly ready: boolean;
};

const ANSWER_MS = 5_000;

export async function status(
  shell: Shell,
  options: Target & { readonly json?: boolean | undefined },
): Promise<number> {
  const reply = await askAdmin(shell, options, '/status', { timeoutMs: ANSWER_MS });
  if (reply.status !== 200) throw refusalOf(reply);
  const body = reply.body as Status;
  shell.out.write(options.json === true ? `${JSON.stringify(body)}\n` : renderStatus(body, Date.now()));
  return EXIT.ok;
}

/** The report as a few lines. A gateway that still starts has no report yet. */
function renderStatus(body: Status | Omit<Status, keyof GatewayReport>, now: number): string {
  const head = `sluice ${body.sluice} · pid ${body.pid} · config: ${visible(body.config)} · log: ${body.logLevel}`;
  if (!('listeners' in body)) return `${head}\nstarting\n`;
  const up = formatDuration(Math.max(0, Math.floor((now - body.startedAt) / 1000) * 1000));
  const row = (name: string, text: string): string => `  ${name.padEnd(11)} ${text}`;
  const draining = body.draining === 0 ? '' : ` · ${body.draining} older still draining`;
  const lines = [
    head,
    `${body.ready ? 'ready' : 'stopping'} · up ${up} · generation ${body.generation}${draining}`,
    ...body.listeners.flatMap((listener) => reachable(listener).map((url) => row('MCP', url))),
    row('pipeline', body.pipeline.length === 0 ? 'empty' : body.pipeline.join(' → ')),
    row('calls', `${body.inFlight} in flight · ${body.streams} streams · ${body.sessions} sessions`),
    ...body.upstreams.flatMap(({ name, kind, target, eras, links, calls, waiting, targets, unapproved }) => [
      row(
        visible(name),
        `${kind === 'builtin' ? kind : `${kind} ${visible(target)}`} · ${
          links === 0 ? 'not connected' : `${links} ${links === 1 ? 'link' : 'links'}`
        } · ${calls} in flight${waiting === 0 ? '' : ` · ${waiting} waiting`}${eras.length === 0 ? '' : ` · ${eras.join(', ')}`}`,
      ),
      ...(unapproved === 0 ? [] : [row('', renderUnapproved(name, unapproved))]),
      ...targets.filter(({ state }) => state !== 'closed').map((away) => row('', renderAway(away))),
    ]),
    ...body.remarks.map(({ endpoint, text }) => row(visible(endpoint), `! ${visible(text)}`)),
  ];
  return `${lines.join('\n')}\n`;
}

function renderUnapproved(upstream: string, tools: number): string {
  const what = tools === 1 ? '1 tool is' : `${tools} tools are`;
  return `! ${what} not approved: sluice pins diff ${visible(upstream)}`;
}

function renderAway({ target, state, error = 'failed', retryAfterMs = 0 }: TargetState): string {
  const where = target === '' ? '' : `${visible(target)} `;
  const when = state === 'half_open' ? 'one call tries it' : `tried again in ${formatDuration(retryAfterMs)}`;
  return `${where}not called for now, ${when}: ${visible(error)}`;
}

/** Exit 0 when the gateway answers (with `ready`: when it serves new calls), else 1; one line either way. */
export async function health(
  shell: Shell,
  options: Target & { readonly ready?: boolean | undefined },
): Promise<number> {
  const path = options.ready === true ? '/readyz' : '/healthz';
  const said = await probe(shell, options, path);
  const word = said.ok ? 'ok' : 'failed';
  shell.out.write(said.text === word ? `${word}\n` : `${word}: ${said.text}\n`);
  return said.ok ? EXIT.ok : EXIT.failed;
}

async function probe(shell: Shell, target: Target, path: string): Promise<{ ok: boolean; text: string }> {
  const tried: string[] = [];
  for (const place of places(shell, target)) {
    try {
      const response = await fetch(`http://${place.host}${path}`, {
        signal: AbortSignal.timeout(ANSWER_MS),
        proxy: false,
        ...(place.unix === undefined ? {} : { unix: place.unix }),
      } as BunFetchRequestInit);
      return { ok: response.ok, text: (await response.text()).trim() };
    } catch {
      tried.push(place.unix ?? place.host);
    }
  }
  const where =
    tried.length === 0 ? 'admin.socket and admin.listen are off' : `nobody answers on ${tried.join(' or ')}`;
  return { ok: false, text: where };
}

function places(shell: Shell, target: Target): { host: string; unix?: string }[] {
  const socket = adminSocket(shell, target);
  const reading = target.socket === undefined ? createReader(shell, target.config).look() : undefined;
  const listen = reading?.ok === true ? reading.config.admin.listen : 'off';
  return [
    ...(socket === undefined ? [] : [{ host: 'localhost', unix: socket }]),
    ...(listen === 'off'
      ? []
      : listen.kind === 'unix'
        ? [{ host: 'localhost', unix: listen.path }]
        : [{ host: formatListen(listen) }]),
  ];
}
