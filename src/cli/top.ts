// `sluice top`: the calls at work in a running gateway, drawn again and again on a terminal, once elsewhere.

import { askAdmin, followAdmin, refusalOf, type Target } from './admin-client.ts';
import { CliError, EXIT } from './exit.ts';
import { type Shell, wantsColor } from './shell.ts';
import { takeScreen } from './top-screen.ts';
import { type Calls, callLines, headline } from './top-table.ts';

export interface TopOptions extends Target {
  readonly json?: boolean | undefined;
  readonly once?: boolean | undefined;
  /** A duration, as text. */
  readonly every?: string | undefined;
}

/** Calls that are told of where all fit. */
const MOST = 2_048;
const ANSWER_MS = 5_000;
/** Lines that are no calls: the headline, an empty one, the titles, and how many are left out. */
const FRAME = 4;

export async function top(shell: Shell, options: TopOptions): Promise<number> {
  const { json = false, once = false, every = '1s' } = options;
  if (!json && !once && shell.out.isTty && shell.env.TERM !== 'dumb') return follow(shell, options, every);
  const reply = await askAdmin(shell, options, `/calls?most=${MOST}`, { timeoutMs: ANSWER_MS });
  if (reply.status !== 200) throw refusalOf(reply);
  const calls = reply.body as Calls;
  shell.out.write(json ? `${JSON.stringify(calls)}\n` : `${table(shell, calls, MOST).join('\n')}\n`);
  return EXIT.ok;
}

async function follow(shell: Shell, target: Target, every: string): Promise<number> {
  const path = `/calls?${new URLSearchParams({ most: String(MOST), every })}`;
  const stop = new AbortController();
  const stopping = onSignals(stop);
  let screen: ReturnType<typeof takeScreen> | undefined;
  let latest: Calls | undefined;
  const draw = (): void => {
    if (latest) screen?.draw(table(shell, latest, Math.max(1, shell.out.rows - FRAME)));
  };
  process.on('SIGWINCH', draw);
  try {
    for await (const calls of followAdmin(shell, target, path, stop.signal)) {
      latest = calls as Calls;
      screen ??= takeScreen(shell.out);
      draw();
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    process.off('SIGWINCH', draw);
    stopping.off();
    screen?.leave();
  }
  if (!stop.signal.aborted) throw new CliError(EXIT.unreachable, 'the gateway has gone away');
  return stopping.code();
}

function table(shell: Shell, calls: Calls, most: number): string[] {
  const { columns, isTty } = shell.out;
  const color = wantsColor(shell, shell.out);
  const rows = calls.longest.slice(0, most);
  if (rows.length === 0) return [headline(calls)];
  const left = calls.calls - rows.length;
  return [
    headline(calls),
    '',
    // A file or a pipe has no width.
    ...callLines(rows, { columns: isTty ? columns : WIDE, color }),
    ...(left > 0 ? [`and ${left} more`] : []),
  ];
}

const WIDE = 240;

/** Ctrl-C is how it is meant to end. */
function onSignals(stop: AbortController) {
  let code: number = EXIT.ok;
  const end = (own: number) => (): void => {
    code = own;
    stop.abort();
  };
  const ends = { SIGINT: end(EXIT.ok), SIGTERM: end(EXIT.terminated), SIGHUP: end(EXIT.terminated) };
  const all = Object.entries(ends) as [NodeJS.Signals, () => void][];
  for (const [name, handler] of all) process.on(name, handler);
  return {
    code: () => code,
    off(): void {
      for (const [name, handler] of all) process.off(name, handler);
    },
  };
}
