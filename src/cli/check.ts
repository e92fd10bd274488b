// `sluice check`: every problem of a configuration at once; with --connect, whether its upstreams answer.

import { type Diagnostic, renderDiagnostics, report, sortDiagnostics, summary } from '../config/diagnostic.ts';
import type { Loaded } from '../config/load.ts';
import { readOptions } from '../config/options.ts';
import type { Entry } from '../config/schema.ts';
import { messageOf } from '../core/errors.ts';
import { loadPlugin } from '../gateway/load.ts';
import { createReader } from './config.ts';
import { EXIT } from './exit.ts';
import { visible } from './log-fields.ts';
import { type Probe, probeUpstreams } from './probe.ts';
import { type Shell, wantsColor } from './shell.ts';

export interface CheckOptions {
  readonly config?: string | undefined;
  readonly connect?: boolean | undefined;
  readonly json?: boolean | undefined;
}

export async function check(shell: Shell, options: CheckOptions): Promise<number> {
  const reader = createReader(shell, options.config);
  const reading = reader.read();
  const found = reading.ok
    ? [...reading.warnings, ...(await pluginProblems(shell, reading))]
    : [...reading.diagnostics];
  const diagnostics = sortDiagnostics(found);
  const sound = reading.ok && diagnostics.every(({ severity }) => severity !== 'error');
  const probes = sound && options.connect === true ? await probeUpstreams(shell, reading) : undefined;
  if (options.json === true) {
    const upstreams = probes === undefined ? {} : { upstreams: probes };
    shell.out.write(`${JSON.stringify({ ...report(diagnostics), file: reader.name(), ...upstreams })}\n`);
  } else {
    tell(shell, reader.name(), diagnostics, probes);
  }
  if (!sound) return EXIT.config;
  return probes?.some(({ ok }) => !ok) === true ? EXIT.failed : EXIT.ok;
}

function tell(shell: Shell, file: string, diagnostics: readonly Diagnostic[], probes?: readonly Probe[]): void {
  if (diagnostics.length > 0)
    shell.err.write(`${renderDiagnostics(diagnostics, { color: wantsColor(shell, shell.err) })}\n`);
  if (diagnostics.every(({ severity }) => severity !== 'error'))
    shell.out.write(`${file}: ${summary(diagnostics)}\n`);
  const width = Math.max(0, ...(probes ?? []).map(({ name }) => name.length));
  for (const { name, ok, ms, detail } of probes ?? [])
    shell.out.write(`  ${ok ? '✓' : '✗'} ${visible(name).padEnd(width)}  ${visible(detail)}  ${Math.round(ms)} ms\n`);
}

/** What the plugins' own schemas say of their options. Plugin files are loaded for that; no plugin is set up. */
async function pluginProblems(shell: Shell, loaded: Loaded): Promise<Diagnostic[]> {
  const { config } = loaded;
  const entries = [...config.pipeline, ...config.upstreams.flatMap(({ pipeline }) => pipeline)];
  const problems: Diagnostic[] = [];
  for (const entry of entries.filter(({ mode }) => mode !== 'off'))
    problems.push(...(await entryProblems(shell, loaded, entry)));
  return problems;
}

async function entryProblems(shell: Shell, { document }: Loaded, entry: Entry): Promise<readonly Diagnostic[]> {
  const own = Object.hasOwn(shell.plugins, entry.plugin) ? shell.plugins[entry.plugin] : undefined;
  try {
    const loaded = own === undefined ? await loadPlugin(entry.plugin, { onStray: () => {} }) : undefined;
    const schema = (own ?? loaded?.plugin)?.schema;
    const options = schema === undefined ? undefined : readOptions(document, entry, schema);
    loaded?.dispose();
    return options === undefined || options.ok ? [] : options.diagnostics;
  } catch (error) {
    return [document.at(entry.path, { code: 'PLUGIN_SETUP', message: messageOf(error) })];
  }
}
