// `sluice check`: every problem of a configuration at once; with --connect, whether its upstreams answer.

import {
  type Diagnostic,
  renderDiagnostics,
  report,
  sortDiagnostics,
  summary,
} from '../config/diagnostic.ts';
import { createOnceReader } from './config.ts';
import { EXIT } from './exit.ts';
import { visible } from './log-fields.ts';
import { readPins } from './pin-file.ts';
import { pluginProblems } from './plugin-problems.ts';
import { type Probe, probeUpstreams } from './probe.ts';
import { type Shell, wantsColor } from './shell.ts';

export interface CheckOptions {
  readonly config?: string | undefined;
  readonly connect?: boolean | undefined;
  readonly json?: boolean | undefined;
}

export async function check(shell: Shell, options: CheckOptions): Promise<number> {
  const reader = createOnceReader(shell, options.config);
  const reading = await reader.read();
  const near = [
    ...(reading.ok ? reading.warnings : reading.diagnostics),
    ...(await pluginProblems(reading, reader.file(), shell)),
  ];
  const sound = reading.ok && !near.some(isError);
  // A start would end at it, too.
  if (sound) readPins(shell, reading.config);
  const connects = sound && options.connect === true;
  const [probes, far] = connects
    ? await Promise.all([probeUpstreams(shell, reading), pluginProblems(reading, reader.file(), shell, true)])
    : [undefined, []];
  const diagnostics = sortDiagnostics([...near, ...far]);
  if (options.json === true) {
    const upstreams = probes === undefined ? {} : { upstreams: probes };
    shell.out.write(`${JSON.stringify({ ...report(diagnostics), file: reader.name(), ...upstreams })}\n`);
  } else {
    tell(shell, reader.name(), diagnostics, probes);
  }
  if (!sound) return EXIT.config;
  return probes?.some(({ ok }) => !ok) === true || far.some(isError) ? EXIT.failed : EXIT.ok;
}

const isError = ({ severity }: Diagnostic): boolean => severity === 'error';

function tell(
  shell: Shell,
  file: string,
  diagnostics: readonly Diagnostic[],
  probes?: readonly Probe[],
): void {
  if (diagnostics.length > 0)
    shell.err.write(`${renderDiagnostics(diagnostics, { color: wantsColor(shell, shell.err) })}\n`);
  if (diagnostics.every(({ severity }) => severity !== 'error'))
    shell.out.write(`${file}: ${summary(diagnostics)}\n`);
  const width = Math.max(0, ...(probes ?? []).map(({ name }) => name.length));
  for (const { name, ok, judged, ms, detail } of probes ?? [])
    shell.out.write(
      `  ${judged ? (ok ? '✓' : '✗') : '?'} ${visible(name).padEnd(width)}  ${visible(detail)}  ${Math.round(ms)} ms\n`,
    );
}
