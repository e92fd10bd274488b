// `sluice limits`: how the limits of a running gateway stand, and who is nearest to the end of one.

import { formatDuration } from '../lib/duration.ts';
import { askAdmin, refusalOf, type Target } from './admin-client.ts';
import { CliError, EXIT } from './exit.ts';
import { visible } from './log-fields.ts';
import type { Shell } from './shell.ts';

export interface LimitsOptions extends Target {
  readonly json?: boolean | undefined;
  /** A principal, alone or as `TENANT/ID`. */
  readonly for?: string | undefined;
}

interface Key {
  readonly key: string;
  readonly remaining: number;
  /** Of those that are counted. */
  readonly resetMs?: number;
  readonly refused?: number;
  /** Of those that are held. */
  readonly held?: number;
  readonly queued?: number;
}

interface Limit {
  readonly name: string;
  readonly limit: string;
  readonly per: readonly string[];
  readonly shadow: boolean;
  readonly kind: 'rate' | 'quota' | 'concurrency';
  readonly most: number;
  readonly admitted: number;
  readonly refused: number;
  /** Keys there are; `keys` has some of them. */
  readonly seen: number;
  readonly keys: readonly Key[];
}

interface Entry {
  readonly name: string;
  readonly where: string;
  readonly mode: string;
  readonly store: { readonly there: boolean; readonly since?: number; readonly reason?: string };
  readonly limits: readonly Limit[];
}

const ANSWER_MS = 5_000;

export async function limits(shell: Shell, options: LimitsOptions): Promise<number> {
  const entries = await ask(shell, options);
  if (options.json === true) {
    shell.out.write(`${JSON.stringify({ version: 1, entries })}\n`);
    return EXIT.ok;
  }
  if (entries.length === 0) {
    shell.err.write('no entry of a pipeline has limits: add `ratelimit` to gateway.yaml\n');
    return EXIT.ok;
  }
  for (const entry of entries) shell.out.write(`${linesOf(entry).join('\n')}\n`);
  return EXIT.ok;
}

async function ask(shell: Shell, target: LimitsOptions): Promise<Entry[]> {
  const listed = await told(shell, target, '/plugins');
  const rows = (listed as { plugins: (Omit<Entry, 'limits' | 'store'> & { plugin: string })[] }).plugins;
  const query = target.for === undefined ? '' : `?${new URLSearchParams({ for: target.for })}`;
  const entries: Entry[] = [];
  for (const { name, where, mode } of rows.filter(({ plugin }) => plugin === 'ratelimit')) {
    const path = `/plugins/${name.split('/').map(encodeURIComponent).join('/')}${query}`;
    const { limits: own, store } = (await told(shell, target, path)) as Pick<Entry, 'limits' | 'store'>;
    entries.push({ name, where, mode, store, limits: own });
  }
  if (target.for !== undefined && entries.length > 0 && entries.every(isNobody))
    throw new CliError(
      EXIT.failed,
      `no limit has seen "${target.for}" since the start`,
      'see `sluice limits`',
    );
  return entries;
}

function isNobody({ limits: own }: Entry): boolean {
  return own.every(({ keys }) => keys.length === 0);
}

async function told(shell: Shell, target: Target, path: string): Promise<unknown> {
  const reply = await askAdmin(shell, target, path, { timeoutMs: ANSWER_MS });
  if (reply.status !== 200) throw refusalOf(reply);
  return reply.body;
}

function linesOf({ name, where, mode, store, limits: own }: Entry): string[] {
  const head = `${visible(name)} · ${visible(where)}${mode === 'shadow' ? ' · shadow: refuses nobody' : ''}`;
  const away = store.there
    ? []
    : [`  ! the store cannot be asked since ${timeOf(store.since)} (${store.reason})`];
  return [head, ...away, ...own.flatMap(limitLines)];
}

function timeOf(ms = 0): string {
  return new Date(ms).toISOString();
}

function limitLines({ name, limit, per, shadow, most, admitted, refused, seen, keys }: Limit): string[] {
  const by =
    per.length === 1 && per[0] === 'all' ? 'for all together' : `per ${per.map(visible).join(' and ')}`;
  const tried = shadow ? ' · shadow: refuses nobody' : '';
  const head = `  ${name}: ${limit} ${by} · ${admitted} admitted, ${refused} refused since the start${tried}`;
  const width = Math.max(0, ...keys.map(({ key }) => visible(key).length));
  const rest = seen - keys.length;
  return [
    head,
    ...keys.map((key) => `    ${visible(key.key).padEnd(width)}  ${stateOf(key, most)}`),
    ...(rest > 0 ? [`    and ${rest} more`] : []),
  ];
}

function stateOf({ remaining, resetMs, refused = 0, held, queued = 0 }: Key, most: number): string {
  const left = `${String(remaining).padStart(String(most).length)} of ${most} left`;
  if (held !== undefined) return `${left} · ${held} held${queued > 0 ? `, ${queued} waiting` : ''}`;
  const whole = resetMs === undefined || resetMs === 0 ? '' : ` · all of it in ${inSeconds(resetMs)}`;
  return `${left}${whole}${refused > 0 ? ` · ${refused} refused` : ''}`;
}

function inSeconds(ms: number): string {
  return formatDuration(Math.ceil(ms / 1_000) * 1_000);
}
