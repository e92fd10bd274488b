// What is wrong with a configuration where its client is on a pipe: `sluice stdio`, whatever listeners it names.

import type { LoadResult } from '../config/load.ts';
import { isMap } from '../config/relations/guess.ts';
import { pipeProblems } from '../config/relations/pipes.ts';

/** A sound reading, refused where nobody on the pipe could call, and without what is only true of listeners. */
export function withPipeProblems(reading: LoadResult): LoadResult {
  if (!reading.ok) return reading;
  const { document } = reading;
  const warnings = reading.warnings.filter(({ code }) => code !== 'AUTH_IDLE');
  const values = document.values();
  const problems = isMap(values) ? pipeProblems(values) : [];
  if (problems.length === 0) return { ...reading, warnings };
  const told = problems.map(({ path, ...problem }) => document.at(path, problem));
  return { ok: false, document, diagnostics: [...warnings, ...told] };
}
