// One reload of the running gateway, whoever asked for it: done, applied to the log, told, and reported as data.

import type { ReloadReport } from '../admin/source.ts';
import {
  type Diagnostic,
  report as diagnosticReport,
  renderDiagnostics,
  summary,
} from '../config/diagnostic.ts';
import { type Plan, renderPlan } from '../config/diff.ts';
import type { Gateway } from '../gateway/types.ts';
import type { JsonValue } from '../protocol/values.ts';
import type { Logger } from './log.ts';
import { visible } from './log-fields.ts';
import { formatOf, type Prepared } from './prepare.ts';
import { type Shell, wantsColor } from './shell.ts';

/** What a reload did, as it travels over the admin socket and as `--json` prints it. */
export type ReloadBody =
  | {
      readonly version: 1;
      readonly ok: true;
      readonly dryRun: boolean;
      readonly file: string;
      readonly fromGeneration: number;
      readonly toGeneration: number;
      readonly ms: number;
      readonly inFlight: number;
      readonly plan: Plan;
    }
  | {
      readonly version: 1;
      readonly ok: false;
      readonly dryRun: boolean;
      readonly file: string;
      readonly generation: number;
      readonly errors: number;
      readonly warnings: number;
      readonly diagnostics: readonly Diagnostic[];
    };

export interface ReloadOptions {
  readonly dryRun: boolean;
  /** Not the file: the text that runs, with what its references stand for now. */
  readonly again?: boolean;
}

export type Reload = (options: ReloadOptions) => Promise<ReloadReport>;

/** Makes the reload that SIGHUP, `--watch` and the admin socket share. It never rejects. */
export function createReload(shell: Shell, gateway: Gateway, prepared: Prepared): Reload {
  const { logger } = prepared;
  return async ({ dryRun, again = false }) => {
    try {
      const body = await reload(gateway, prepared, { dryRun, again });
      if (!dryRun && body.ok) applyLog(shell, prepared);
      const isSame = again && body.ok && body.fromGeneration === body.toGeneration;
      if (!dryRun && !isSame) tell(shell, logger, body);
      return { ok: body.ok, body: body as unknown as JsonValue };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      logger.log.error('reload failed', { error: message });
      return { ok: false, body: { version: 1, ok: false, error: { code: 'INTERNAL', message } } };
    }
  };
}

async function reload(
  gateway: Gateway,
  { reader }: Prepared,
  { dryRun, again }: Required<ReloadOptions>,
): Promise<ReloadBody> {
  const { inFlight } = gateway.report();
  const result = await gateway.reload({ dryRun, again });
  const common = { version: 1, dryRun, file: reader.name() } as const;
  if (!result.ok)
    return { ...common, ok: false, generation: result.generation, ...diagnosticReport(result.diagnostics) };
  const { plan, generation, before, ms } = result;
  return {
    ...common,
    ok: true,
    fromGeneration: before,
    toGeneration: generation,
    ms: Math.round(ms * 10) / 10,
    inFlight,
    plan,
  };
}

/** A reading that was not taken must not change the log, so this waits for the swap. */
function applyLog(shell: Shell, { logger, latest }: Prepared): void {
  logger.setLevel(latest().config.telemetry.log.level);
  logger.setFormat(formatOf(shell, latest()));
}

function tell(shell: Shell, logger: Logger, body: ReloadBody): void {
  if (logger.format === 'human') {
    shell.err.write(`${renderReload(body, wantsColor(shell, shell.err))}\n`);
  } else if (body.ok) {
    const { file, toGeneration, ms, inFlight, plan } = body;
    logger.notice('reloaded', {
      file,
      generation: toGeneration,
      ms,
      in_flight: inFlight,
      changes: plan.changes.length,
    });
    for (const { sign, what, before, after, note } of plan.changes)
      logger.notice('reload change', { sign, what, before, after, note });
  } else {
    const { file, generation, errors } = body;
    logger.log.error('reload refused, nothing changed', { file, generation, errors });
    for (const { file: where, line, column, code, message, hint } of body.diagnostics)
      logger.log.error(message, { file: where, line, column, code, hint });
  }
}

/** The plan, or the problems and what goes on running, as text for people. */
export function renderReload(body: ReloadBody, color: boolean): string {
  if (body.ok) {
    const { plan, file, fromGeneration, toGeneration, ms, inFlight, dryRun } = body;
    const view = { color, file, fromGeneration, toGeneration };
    return renderPlan(shownPlan(plan), dryRun ? view : { ...view, ms, inFlight });
  }
  const told = renderDiagnostics(body.diagnostics, { color });
  const verb = body.dryRun ? 'would be refused' : 'refused';
  return `${told}\nreload ${verb}, generation ${body.generation} keeps running (${summary(body.diagnostics)})`;
}

/** Values come from a file that may hold characters meant for a terminal. */
function shownPlan(plan: Plan): Plan {
  const changes = plan.changes.map((change) => ({
    ...change,
    what: visible(change.what),
    ...(change.before === undefined ? {} : { before: visible(change.before) }),
    ...(change.after === undefined ? {} : { after: visible(change.after) }),
  }));
  return { ...plan, changes };
}
