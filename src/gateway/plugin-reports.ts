// What the entries of a generation's pipelines tell the operator of themselves.

import type { Host } from '../core/host.ts';
import { guardOf } from '../core/step.ts';
import type { JsonValue } from '../protocol/values.ts';
import type { Generation } from './generation.ts';
import type { SetUp } from './steps.ts';
import type { PluginRow } from './types.ts';

interface Placed {
  readonly name: string;
  readonly where: string;
  readonly step: SetUp;
}

function placed({ steps, legSteps }: Generation): Placed[] {
  const top = steps.map((step) => ({ name: step.id, where: 'pipeline', step }));
  const legs = [...legSteps].flatMap(([upstream, all]) =>
    all.map((step) => ({ name: `${upstream}/${step.id}`, where: `upstreams.${upstream}.pipeline`, step })),
  );
  return [...top, ...legs];
}

export function pluginRows(generation: Generation): PluginRow[] {
  return placed(generation).map(({ name, where, step: { plugin, mode, hooks } }) => ({
    name,
    plugin,
    where,
    mode,
    reports: hooks.report !== undefined,
  }));
}

/** As `Gateway.plugin` has it; within the entry's `timeout`. */
export async function pluginReport(
  generation: Generation,
  name: string,
  asked: Readonly<Record<string, string>>,
  host: Host,
): Promise<JsonValue | undefined> {
  const step = placed(generation).find((each) => each.name === name)?.step;
  if (!step) return undefined;
  const { signal } = new AbortController();
  const told = await guardOf(step, host).in({ signal, held: false }, step.hooks.report?.(asked) ?? null);
  return told ?? null;
}
