// `sluice pins`: which definitions of tools are approved, what differs from them now, and approving it.

import type { Pin } from '../core/pin-store.ts';
import { askAdmin, type Target } from './admin-client.ts';
import { createReader } from './config.ts';
import { ConfigError } from './diagnostics.ts';
import { CliError, EXIT } from './exit.ts';
import { visible } from './log-fields.ts';
import { pinDiff } from './pin-diff.ts';
import { type PinFile, readPins } from './pin-file.ts';
import { type Shell, wantsColor } from './shell.ts';

type PinOptions = Target & { readonly json?: boolean | undefined; readonly all?: boolean | undefined };

interface Row {
  readonly upstream: string;
  readonly tool: string;
  readonly state: 'approved' | 'changed' | 'new';
  readonly seen: string;
  readonly before?: Pin;
  readonly now?: Pin;
}

function open(shell: Shell, { config }: Target): PinFile {
  const reading = createReader(shell, config).look();
  if (!reading.ok) throw new ConfigError(reading.diagnostics);
  return readPins(shell, reading.config);
}

/** Of all upstreams, or of the one that is named. */
function rows(file: PinFile, upstream?: string): Row[] {
  return (upstream === undefined ? file.upstreams() : [known(file, upstream)]).flatMap((name) => {
    const approved = file.approved(name);
    const waiting = file.waiting(name);
    const tools = [...new Set([...approved.keys(), ...waiting.keys()])].sort();
    return tools.map((tool): Row => {
      const [before, now] = [approved.get(tool), waiting.get(tool)];
      const state = now === undefined ? 'approved' : before === undefined ? 'new' : 'changed';
      return {
        upstream: name,
        tool,
        state,
        seen: (now ?? before)?.seen ?? '',
        ...(before ? { before } : {}),
        ...(now ? { now } : {}),
      };
    });
  });
}

export function listPins(shell: Shell, upstream: string | undefined, options: PinOptions): number {
  const file = open(shell, options);
  const all = rows(file, upstream);
  if (options.json === true) {
    const shown = all.map(({ before: _, now: __, ...row }) => row);
    shell.out.write(`${JSON.stringify({ version: 1, file: file.file, tools: shown })}\n`);
    return EXIT.ok;
  }
  const width = Math.max(0, ...all.map((row) => named(row).length));
  for (const row of all)
    shell.out.write(`${visible(named(row)).padEnd(width)}  ${row.state.padEnd(8)}  ${visible(row.seen)}\n`);
  const waits = all.filter(({ state }) => state !== 'approved').length;
  shell.err.write(all.length === 0 ? 'no tools seen yet\n' : `${all.length} tools, ${waits} not approved\n`);
  return EXIT.ok;
}

/** Exit 1 where something differs, as diff does. */
export function diffPins(
  shell: Shell,
  upstream: string | undefined,
  tool: string | undefined,
  options: PinOptions,
): number {
  const seen = rows(open(shell, options), upstream).filter((row) => tool === undefined || row.tool === tool);
  if (tool !== undefined && seen.length === 0)
    throw new CliError(EXIT.failed, `no tool "${tool}" of "${upstream}" was seen`, 'see `sluice pins list`');
  const all = seen.filter((row) => row.state !== 'approved');
  if (options.json === true) shell.out.write(`${JSON.stringify({ version: 1, tools: all })}\n`);
  else
    for (const row of all) {
      const lines = pinDiff(row.before?.definition, row.now?.definition, wantsColor(shell, shell.out));
      const head = `${visible(named(row))}  ${row.state}, seen ${visible(row.seen)}`;
      shell.out.write(`${[head, ...lines].join('\n')}\n`);
    }
  if (all.length === 0) shell.err.write('nothing differs from what is approved\n');
  return all.length === 0 ? EXIT.ok : EXIT.failed;
}

export async function approvePins(
  shell: Shell,
  upstream: string | undefined,
  tools: readonly string[],
  options: PinOptions,
): Promise<number> {
  const file = open(shell, options);
  const chosen = choice(file, upstream, tools, options);
  const done = chosen.flatMap((name) =>
    file.accept(name, tools.length === 0 ? undefined : tools).map((tool) => `${name}/${tool}`),
  );
  const missing = tools.filter((tool) => !done.includes(`${upstream}/${tool}`));
  if (missing.length > 0)
    throw new CliError(EXIT.failed, `nothing of ${missing.join(', ')} waits`, 'see `sluice pins list`');
  return told(shell, options, 'approved', done);
}

export async function forgetPins(
  shell: Shell,
  upstream: string | undefined,
  tools: readonly string[],
  options: PinOptions,
): Promise<number> {
  const file = open(shell, options);
  const done = choice(file, upstream, tools, options).flatMap((name) =>
    file.forget(name, tools.length === 0 ? undefined : tools).map((tool) => `${name}/${tool}`),
  );
  return told(shell, options, 'forgot', done);
}

function choice(
  file: PinFile,
  upstream: string | undefined,
  tools: readonly string[],
  { all }: PinOptions,
): string[] {
  if (upstream === undefined && all !== true)
    throw new CliError(EXIT.usage, 'which upstream?', 'name it, or say --all');
  if (upstream !== undefined && all === true && tools.length > 0)
    throw new CliError(EXIT.usage, '--all and names of tools', 'say one of them');
  if (upstream === undefined) return file.upstreams();
  return [known(file, upstream)];
}

/** @throws CliError for a name that was mistyped: nothing would differ, and a check in CI would pass */
function known(file: PinFile, upstream: string): string {
  if (file.upstreams().includes(upstream)) return upstream;
  throw new CliError(
    EXIT.failed,
    `no tools of an upstream "${upstream}" were seen`,
    `there are ${file.upstreams().join(', ') || 'none'}`,
  );
}

/** A gateway that runs takes it up with a reload, which tells its clients. */
async function told(
  shell: Shell,
  options: PinOptions,
  verb: string,
  done: readonly string[],
): Promise<number> {
  for (const name of done) shell.out.write(`${verb} ${visible(name)}\n`);
  if (done.length === 0) {
    shell.err.write('nothing to do\n');
    return EXIT.ok;
  }
  const took = await askAdmin(shell, options, '/reload', {
    method: 'POST',
    body: JSON.stringify({ dryRun: false }),
  }).then(
    ({ status }) => status === 200,
    () => undefined,
  );
  if (took === undefined) shell.err.write('no gateway runs here; the next one starts with this\n');
  if (took === false) shell.err.write('the gateway refused its configuration: see `sluice reload`\n');
  return EXIT.ok;
}

function named({ upstream, tool }: Row): string {
  return `${upstream}/${tool}`;
}
