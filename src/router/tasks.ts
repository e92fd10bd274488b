// Tasks of several upstreams under names of this gateway. The id that a client holds is the upstream's own, sealed
// together with the upstream and the caller: it routes, it is nobody else's, and it outlives a restart.
// Knows nothing of what a task is at work on.

import { type Client, identityKey } from '../core/client.ts';
import { errorResult } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Host } from '../core/host.ts';
import { digest } from '../lib/digest.ts';
import type { Seal } from '../lib/seal.ts';
import { declares, TASKS } from '../protocol/extensions.ts';
import type { McpResult } from '../protocol/message.ts';
import { methodRow } from '../protocol/methods.ts';

export interface TaskName {
  readonly upstream: string;
  /** As the upstream knows it. */
  readonly id: string;
  /** The tool that made it, by the upstream's own name, where that is known. */
  readonly tool?: string | undefined;
}

export class TaskNames {
  /** @param longest id that an upstream may give, in characters: a sealed one travels in a header */
  constructor(
    readonly seal: Seal,
    readonly longest: () => number,
    readonly host: Host,
  ) {}

  /** The id under which the caller of `x` finds the task again; undefined for one that is too long. */
  outward({ upstream, id, tool }: TaskName, x: Exchange): string | undefined {
    if (id.length > this.longest()) {
      this.host.metrics.limitHits.inc({ limit: 'task_id' });
      return undefined;
    }
    return this.seal.name(kindOf(x.client), JSON.stringify([upstream, ownerOf(x), id, ...toolIn(tool, x)]));
  }

  /** Whose task it is, whoever asks: good for finding a route, before anybody knows who calls. */
  route(name: string, client: Client): TaskName | undefined {
    return this.#open(name, client)?.task;
  }

  /** The task of that name, if it is one of the caller's. */
  inward(name: string, x: Exchange): TaskName | undefined {
    const found = this.#open(name, x.client);
    return found?.owner === ownerOf(x) ? found.task : undefined;
  }

  #open(name: string, client: Client): { task: TaskName; owner: string } | undefined {
    const text = this.seal.open(kindOf(client), name);
    if (text === undefined) return undefined;
    const [upstream, owner, id, tool]: [string, string, string, string?] = JSON.parse(text);
    return { task: { upstream, id, tool }, owner };
  }
}

/** One era's tasks are none of the other's: their messages differ. */
function kindOf({ era }: Client): string {
  return `task ${era}`;
}

/** Longer ones would make a header too long. */
const LONGEST_TOOL = 128;

/** A session's tasks stand in lists and on its stream, where nobody knows what made them, and have one name each. */
function toolIn(tool: string | undefined, { client }: Exchange): string[] {
  return tool === undefined || tool.length > LONGEST_TOOL || client.session ? [] : [tool];
}

function ownerOf({ principal }: Exchange): string {
  return digest(identityKey(principal)).slice(0, 32);
}

/** What is said of an id that is made up, altered, or another caller's: all the same. */
export function unknownTask(): McpResult {
  return errorResult('PARAMS_INVALID', 'Unknown task.');
}

/** The refusal for a request about tasks by a client that did not say that it knows them. */
export function withoutTasks(x: Exchange): McpResult | undefined {
  const { method, raw } = x.request;
  const listens = method === 'subscriptions/listen' && raw?.object('notifications')?.has('taskIds') === true;
  if (!listens && methodRow(method)?.name !== 'taskId') return undefined;
  // A session agreed on its tasks when it began, by another capability.
  if (x.client.session || declares(x.client.capabilities, TASKS)) return undefined;
  return errorResult('CAPABILITY_MISSING', `${method} needs the extension ${TASKS}.`, {
    requiredCapabilities: { extensions: { [TASKS]: {} } },
  });
}
