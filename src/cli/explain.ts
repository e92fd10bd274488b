// `sluice explain`: where a request goes and what looks at it, or what an error name means.

import { CODES } from '../config/codes.ts';
import type { Loaded } from '../config/load.ts';
import { catalogue } from '../core/errors.ts';
import { startGateway } from '../gateway/gateway.ts';
import type { Explanation } from '../gateway/types.ts';
import { suggest } from '../lib/suggest.ts';
import { askAdmin, refusalOf, type Target } from './admin-client.ts';
import { createReader } from './config.ts';
import { ConfigError } from './diagnostics.ts';
import { CliError, EXIT } from './exit.ts';
import { visible } from './log-fields.ts';
import { quietWorld } from './prepare.ts';
import type { Shell } from './shell.ts';

export type ExplainOptions = Target & {
  readonly endpoint?: string | undefined;
  readonly json?: boolean | undefined;
};

export async function explain(
  shell: Shell,
  subject: string,
  name: string | undefined,
  options: ExplainOptions,
): Promise<number> {
  if (/^[A-Z][A-Z0-9_]*$/.test(subject)) return explainCode(shell, subject, options.json === true);
  const found = await ask(shell, subject, name, options);
  shell.out.write(
    options.json === true ? `${JSON.stringify({ version: 1, ...found })}\n` : renderExplanation(found),
  );
  return EXIT.ok;
}

/** Asks the running gateway; without one, builds what the file describes, opens nothing, and looks at that. */
async function ask(
  shell: Shell,
  method: string,
  name: string | undefined,
  options: ExplainOptions,
): Promise<Explanation> {
  const query = new URLSearchParams({ method });
  if (name !== undefined) query.set('name', name);
  if (options.endpoint !== undefined) query.set('endpoint', options.endpoint);
  try {
    const reply = await askAdmin(shell, options, `/explain?${query}`);
    if (reply.status !== 200) throw refusalOf(reply);
    return reply.body as Explanation;
  } catch (error) {
    if (!(error instanceof CliError) || error.exit !== EXIT.unreachable || options.socket !== undefined)
      throw error;
  }
  const reader = createReader(shell, options.config);
  const reading = await reader.read();
  if (!reading.ok) throw new ConfigError(reading.diagnostics);
  shell.err.write(`no gateway is running; this is what ${reader.name()} says\n`);
  return offline(shell, reading, method, name, options.endpoint);
}

async function offline(
  shell: Shell,
  loaded: Loaded,
  method: string,
  name: string | undefined,
  endpoint: string | undefined,
): Promise<Explanation> {
  const started = await startGateway(quietWorld(shell, loaded));
  if (!started.ok) throw new ConfigError(started.diagnostics);
  const found = started.gateway.explain(method, name, endpoint);
  await started.gateway.stop();
  if (found === undefined) throw new CliError(EXIT.failed, 'no such method or endpoint is served here');
  return found;
}

const APPLIES = {
  true: '',
  false: ', does not apply here',
  undefined: ', applies where it goes to an upstream of its `when`',
};

/** Route, then one line per plugin in the order they run. */
function renderExplanation({ method, name, endpoint, route, notes, steps }: Explanation): string {
  const head = `${[method, name]
    .filter((part) => part !== undefined)
    .map(visible)
    .join(' ')} on ${endpoint}`;
  const width = Math.max(0, ...steps.map(({ id }) => id.length));
  const hooks = Math.max(0, ...steps.map((step) => step.hooks.join(' ').length));
  const lines = steps.map(({ id, where, hooks: own, mode, applies }, index) =>
    [
      `  ${String(index + 1).padStart(2)}. ${id.padEnd(width)}`,
      own.join(' ').padEnd(hooks),
      `${where}${mode === 'enforce' ? '' : ` (${mode})`}${APPLIES[`${applies}`]}`,
    ].join('  '),
  );
  const tail = lines.length === 0 ? ['  no plugin looks at it'] : ['  plugins, in order:', ...lines];
  return `${[head, `  route: ${visible(route)}`, ...notes.map((note) => `  ${visible(note)}`), ...tail].join('\n')}\n`;
}

function explainCode(shell: Shell, code: string, json: boolean): number {
  const lines: string[] = [];
  const known = { message: entryOf(catalogue, code), configuration: entryOf(CODES, code) };
  if (known.message === undefined && known.configuration === undefined) {
    const near = suggest(code, [...Object.keys(catalogue), ...Object.keys(CODES)]);
    throw new CliError(
      EXIT.failed,
      `there is no error ${code}`,
      near === undefined ? 'docs/errors.md lists them all' : `did you mean ${near}?`,
    );
  }
  if (json) {
    shell.out.write(`${JSON.stringify({ version: 1, name: code, ...known })}\n`);
    return EXIT.ok;
  }
  if (known.message !== undefined) {
    const { code: number, http, fault, title, fix } = known.message;
    lines.push(`${code}  JSON-RPC ${number} · HTTP ${http} · fault: ${fault}`, `  ${title}`, `  ${fix}`);
  }
  if (known.configuration !== undefined) {
    const { title, why, fix } = known.configuration;
    lines.push(`${code}  configuration`, `  ${title}.`, `  ${why}`, `  ${fix}`);
  }
  shell.out.write(`${lines.join('\n')}\n`);
  return EXIT.ok;
}

function entryOf<Table extends object>(table: Table, name: string): Table[keyof Table] | undefined {
  return Object.hasOwn(table, name) ? table[name as keyof Table] : undefined;
}
