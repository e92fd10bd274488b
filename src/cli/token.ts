// `sluice token`: API keys that gateways take, made, listed and ended in a file. A gateway that runs sees it at once.

import { resolve } from 'node:path';
import { parseDuration } from '../lib/duration.ts';
import { suggest } from '../lib/suggest.ts';
import { createReader } from './config.ts';
import { ConfigError } from './diagnostics.ts';
import { CliError, EXIT } from './exit.ts';
import { configuredKeyFiles, type KnownKey, usualKeyFile, withKeyFiles } from './key-files.ts';
import { visible } from './log-fields.ts';
import type { Shell } from './shell.ts';

interface TokenOptions {
  readonly config?: string | undefined;
  readonly file?: string | undefined;
  readonly json?: boolean | undefined;
}

interface MintOptions extends TokenOptions {
  readonly tenant?: string | undefined;
  readonly scope?: readonly string[] | undefined;
  readonly group?: readonly string[] | undefined;
  readonly expires?: string | undefined;
  readonly note?: string | undefined;
}

/** The key is written to stdout, and nothing else: `KEY=$(sluice token mint ci)`. */
export async function mintToken(shell: Shell, principal: string, options: MintOptions): Promise<number> {
  const { tenant, scope = [], group = [], expires, note } = options;
  const { file, isRead } = await fileOf(shell, options);
  const now = Date.now();
  const { key, entry } = withKeyFiles(shell, ({ mint }) =>
    mint(
      file,
      {
        principal,
        ...(tenant !== undefined && { tenant }),
        scopes: [...scope],
        groups: [...group],
        ...(expires !== undefined && { expires: endOf(expires, now) }),
        ...(note !== undefined && { note }),
      },
      now,
    ),
  );
  if (options.json === true)
    shell.out.write(`${JSON.stringify({ version: 1, file, key, ...shown(entry, now) })}\n`);
  else shell.out.write(`${key}\n`);
  const until = entry.expires === undefined ? 'without end' : `until ${entry.expires}`;
  shell.err.write(`key ${entry.id} of ${visible(named(entry))}, ${until}; it is shown this once\n`);
  if (!isRead)
    shell.err.write(
      'no gateway with this configuration reads it: write `- auth: { api_keys: {} }` below `pipeline:`\n',
    );
  return EXIT.ok;
}

export async function listTokens(shell: Shell, options: TokenOptions): Promise<number> {
  const { file } = await fileOf(shell, options);
  const now = Date.now();
  const keys = withKeyFiles(shell, ({ read }) => read(file)).map((key) => shown(key, now));
  if (options.json === true) {
    shell.out.write(`${JSON.stringify({ version: 1, file, keys })}\n`);
    return EXIT.ok;
  }
  const rows = keys.map((key) => [
    key.id,
    named(key),
    key.state,
    key.revoked ?? key.expires ?? '-',
    key.scopes.join(' ') || '-',
    key.note ?? '',
  ]);
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(0, ...rows.map((row) => visible(row[column] ?? '').length)),
  );
  for (const row of rows) {
    const cells = row.map((cell, column) => visible(cell).padEnd(widths[column] ?? 0));
    shell.out.write(`${cells.join('  ').trimEnd()}\n`);
  }
  const valid = keys.filter(({ state }) => state === 'valid').length;
  shell.err.write(
    keys.length === 0
      ? 'no keys yet\n'
      : `${keys.length} ${keys.length === 1 ? 'key' : 'keys'}, ${valid} valid\n`,
  );
  return EXIT.ok;
}

/** All of them or none: a name that was mistyped ends nothing. */
export async function revokeTokens(
  shell: Shell,
  named: readonly string[],
  options: TokenOptions,
): Promise<number> {
  const { file } = await fileOf(shell, options);
  const ids = named.map((text) => withKeyFiles(shell, ({ idIn }) => idIn(text)) ?? text);
  const known = withKeyFiles(shell, ({ read }) => read(file)).map(({ id }) => id);
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    const near = suggest(unknown, known);
    const hint = near === undefined ? 'see `sluice token list`' : `did you mean ${near}?`;
    throw new CliError(EXIT.failed, `there is no key "${unknown}" in ${file}`, hint);
  }
  const now = Date.now();
  const ended = ids.flatMap((id) => withKeyFiles(shell, ({ revoke }) => revoke(file, id, now)) ?? []);
  if (options.json === true) {
    shell.out.write(`${JSON.stringify({ version: 1, file, keys: ended.map((key) => shown(key, now)) })}\n`);
    return EXIT.ok;
  }
  for (const { id, revoked } of ended) {
    const isNew = revoked === new Date(now).toISOString();
    if (isNew) shell.out.write(`revoked ${id}\n`);
    else shell.err.write(`${id} was revoked at ${revoked}\n`);
  }
  return EXIT.ok;
}

/** What may be told of a key. */
function shown(key: KnownKey, now: number) {
  const { id, principal, tenant, scopes, groups, created, expires, revoked, note } = key;
  const isOver = expires !== undefined && Date.parse(expires) <= now;
  const state = revoked !== undefined ? 'revoked' : isOver ? 'expired' : 'valid';
  return { id, principal, tenant, scopes, groups, created, expires, revoked, note, state };
}

function named({ principal, tenant }: Pick<KnownKey, 'principal' | 'tenant'>): string {
  return tenant === undefined ? principal : `${tenant}/${principal}`;
}

/** `90d` from now, or a date. @throws CliError */
function endOf(text: string, now: number): string {
  const ms = parseDuration(text);
  const date = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text;
  const end = ms !== undefined ? now + ms : /^\d{4}-/.test(date) ? Date.parse(date) : Number.NaN;
  if (Number.isFinite(end) && Math.abs(end) < 8.64e15) return new Date(end).toISOString();
  throw new CliError(EXIT.usage, `"${text}" is no time`, 'write 90d, or 2027-01-31, or 2027-01-31T12:00:00Z');
}

/** The file that is named, else the one that the configuration names, and whether a gateway would read it. */
async function fileOf(
  shell: Shell,
  { config, file }: TokenOptions,
): Promise<{ file: string; isRead: boolean }> {
  if (file !== undefined) return { file: resolve(shell.cwd, file), isRead: true };
  const reading = await createReader(shell, config).read();
  if (!reading.ok) throw new ConfigError(reading.diagnostics);
  const [first, ...others] = configuredKeyFiles(shell, reading.config);
  if (others.length === 0)
    return { file: first ?? usualKeyFile(shell, reading.config), isRead: first !== undefined };
  const all = [first, ...others].join(', ');
  throw new CliError(EXIT.usage, 'the configuration names several files of keys', `say --file: ${all}`);
}
