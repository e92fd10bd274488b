// Why a tool is not among those that a gateway lists, where the reason is that its upstream lists none for now.

import type { GatewayReport } from '../gateway/types.ts';
import { askAdmin } from './admin-client.ts';
import { CliError, EXIT } from './exit.ts';
import { visible } from './log-fields.ts';
import type { Shell } from './shell.ts';
import { isNamed, type Wanted } from './way.ts';

const ANSWER_MS = 2_000;

/** @returns undefined where that is not known to be the reason; the gateway was asked for its tools just now */
export async function notListed(shell: Shell, wanted: Wanted, tool: string): Promise<CliError | undefined> {
  if (isNamed(shell, wanted)) return undefined;
  const { config } = wanted;
  const reply = await askAdmin(shell, { config }, '/status', { timeoutMs: ANSWER_MS }).catch(() => undefined);
  const { upstreams = [] } = (reply?.body ?? {}) as Partial<GatewayReport>;
  const own = upstreams.find(({ name }) => tool.startsWith(`${name}__`)) ?? onlyOne(upstreams);
  if (own === undefined || own.kind === 'builtin' || own.links > 0) return undefined;
  return new CliError(
    EXIT.retryable,
    `there is no tool ${visible(tool)} for now: the upstream "${visible(own.name)}" cannot be reached, and lists none`,
    '`sluice check --connect` says why',
  );
}

function onlyOne<T>(all: readonly T[]): T | undefined {
  return all.length === 1 ? all[0] : undefined;
}
