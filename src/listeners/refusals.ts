// Requests that are refused before there is an exchange to tell of them: every one counts, and each is a line of the
// access log, unless so many come that the log would be a way to fill the disk.

import { catalogue, type ErrorName } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { createBudget } from '../lib/budget.ts';
import type { McpResult } from '../protocol/message.ts';

export interface Refused {
  readonly code: ErrorName;
  readonly listener: string;
  readonly requestId?: string | undefined;
  /** The path that was asked for. */
  readonly path?: string | undefined;
  /** The HTTP method, or that of the message. */
  readonly method?: string | undefined;
  /** What is wrong, where the code alone does not say it. */
  readonly reason?: string | undefined;
  /** The same in the words of a plugin that refused. */
  readonly why?: McpResult['why'];
  readonly remote?: (() => string | undefined) | undefined;
}

/** Lines in a second. The figures have all of them. */
const LINES = 20;
const SECOND = 1_000;
/** Characters of what a client has chosen. */
const LONGEST = 200;

/** Tells of one refusal. */
export type TellRefused = (refused: Refused) => void;

export function createRefusals({ log, metrics, now }: Host): TellRefused {
  // Apart, so that a flood of malformed requests does not hide that the gateway is full.
  const budgets = { debug: createBudget(LINES, SECOND, now), info: createBudget(LINES, SECOND, now) };
  return ({ code, reason, why, path, method, remote, ...rest }) => {
    metrics.refused.inc({ code });
    const { fault, http } = catalogue[code];
    const level = fault === 'client' ? 'debug' : 'info';
    const unlogged = budgets[level]();
    if (unlogged === undefined) return;
    log[level]('refused', {
      ...why,
      ...rest,
      code,
      status: http,
      method: method?.slice(0, LONGEST),
      path: path?.slice(0, LONGEST),
      ...(reason !== undefined && { reason: reason.slice(0, LONGEST) }),
      remote: remote?.(),
      ...(unlogged > 0 && { unlogged }),
    });
  };
}
