// Which lists a client sees differently on a new generation: found by listing on both and comparing the bytes.

import { type Client, identityKey } from '../core/client.ts';
import { catalogue, type ErrorName } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { pagesOf } from '../core/pages.ts';
import { digest } from '../lib/digest.ts';
import type { Changed } from '../listeners/serving.ts';
import { McpRequest, type McpResult, META } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { Generation } from './generation.ts';

const LISTS = [
  ['toolsListChanged', 'tools/list', 'tools'],
  ['promptsListChanged', 'prompts/list', 'prompts'],
  ['resourcesListChanged', 'resources/list', 'resources'],
  ['resourcesListChanged', 'resources/templates/list', 'resourceTemplates'],
] as const;

/** Comparisons at work at once: each of them lists everything twice. */
const AT_ONCE = 4;

export type ChangedFor = (client: Client, path: string) => Promise<Changed>;

export const UNCHANGED: ChangedFor = () => Promise.resolve(NOTHING);
const NOTHING: Changed = new Set();

/** What a kind of client is to be told of: what differs between the generation it knows and the newest. */
interface Task {
  readonly client: Client;
  readonly path: string;
  readonly before: Held;
  after: Held;
  tell: (changed: Changed) => void;
}

/** A generation that stays although it may be drained meanwhile. */
interface Held {
  readonly generation: Generation;
  readonly leave: () => void;
}

/**
 * Compares generations for as many clients as ask, each kind of client once, a few at a time. Where reloads come
 * faster than that, the next comparison is over all of them, and the last one's clients are told.
 */
export class Comparisons {
  /** By kind of client; those that wait, in turn. */
  readonly #waiting = new Map<string, Task>();
  readonly #working = new Set<string>();

  constructor(readonly host: Host) {}

  between(before: Generation, after: Generation): ChangedFor {
    const asked = new Map<string, Promise<Changed>>();
    return (client, path) => {
      const { scopes, groups = [] } = client.principal;
      const rights = JSON.stringify([scopes.toSorted(), groups.toSorted()]);
      const key = `${path}\n${client.era}\n${identityKey(client.principal)}\n${rights}`;
      const there = asked.get(key);
      if (there) return there;
      const { promise, resolve } = Promise.withResolvers<Changed>();
      asked.set(key, promise);
      const waiting = this.#waiting.get(key);
      if (waiting) {
        waiting.tell(NOTHING);
        waiting.tell = resolve;
        waiting.after.leave();
        waiting.after = held(after, path);
      } else {
        this.#waiting.set(key, {
          client,
          path,
          before: held(before, path),
          after: held(after, path),
          tell: resolve,
        });
      }
      this.#work();
      return promise;
    };
  }

  #work(): void {
    for (const [key, { client, path, before, after, tell }] of this.#waiting) {
      if (this.#working.size === AT_ONCE) return;
      if (this.#working.has(key)) continue;
      this.#waiting.delete(key);
      this.#working.add(key);
      void compare(before.generation, after.generation, client, path, this.host)
        .then(tell)
        .finally(() => {
          before.leave();
          after.leave();
          this.#working.delete(key);
          this.#work();
        });
    }
  }
}

function held(generation: Generation, path: string): Held {
  return { generation, leave: generation.endpoints.get(path)?.hold() ?? (() => {}) };
}

async function compare(
  before: Generation,
  after: Generation,
  client: Client,
  path: string,
  host: Host,
): Promise<Changed> {
  const verdicts = await Promise.all(
    LISTS.map(async ([member, method, items]) => {
      const [old, now] = await Promise.all([
        view(before, client, path, method, items, host),
        view(after, client, path, method, items, host),
      ]);
      return old !== undefined && old === now ? undefined : member;
    }),
  );
  return new Set(verdicts.filter((member) => member !== undefined));
}

/** @returns a digest of the list as this client sees it; undefined when it cannot be had in time */
async function view(
  generation: Generation,
  client: Client,
  path: string,
  method: string,
  items: string,
  host: Host,
): Promise<string | undefined> {
  const endpoint = generation.endpoints.get(path);
  if (!endpoint) return '';
  const inbound = { listener: 'gateway', endpoint: path, headers: new Headers(), isOwn: true };
  const { listTimeout, pages: most } = generation.loaded.config.limits;
  const signal = AbortSignal.timeout(listTimeout);
  const page = async (cursor: string | undefined): Promise<RawObject> => {
    const request = new McpRequest(method, paramsOf(client, cursor));
    const x = await endpoint.open(client, inbound, request, signal, `compare-${crypto.randomUUID()}`);
    const result = await endpoint.handle(x, () => undefined);
    x.close(result);
    if (isRefused(result)) throw new Refused('what the caller sees is not known');
    if (result.kind === 'error') throw new NoList(result.code);
    return result.raw;
  };
  const pages: string[] = [];
  try {
    for await (const raw of pagesOf({ most, host }, { endpoint: path, list: items }, page))
      pages.push(digest(raw.raw(items) ?? ''));
    return pages.join(' ');
  } catch (error) {
    // An upstream without this kind of thing answers with an error; that is a view, too.
    return error instanceof NoList && !signal.aborted ? `error ${error.code}` : undefined;
  }
}

/** What a plugin knows a caller by may come with its requests alone: then nobody can say what it is shown. */
class Refused extends Error {}

function isRefused({ kind, http, raw }: McpResult): boolean {
  const code = kind === 'error' && http !== undefined ? raw.object('data')?.string('code') : undefined;
  return code !== undefined && code in catalogue && catalogue[code as ErrorName].fault === 'denied';
}

class NoList extends Error {
  constructor(readonly code: number | undefined) {
    super('there is no such list');
  }
}

function paramsOf(
  { version, capabilities, info, era }: Client,
  cursor: string | undefined,
): RawObject | undefined {
  const page = cursor === undefined ? undefined : RawObject.of({ cursor });
  if (era !== '2026') return page;
  const meta = RawObject.of({ [META.protocolVersion]: version }).with({
    [META.clientCapabilities]: capabilities,
    ...(info ? { [META.clientInfo]: info } : {}),
  });
  return (page ?? RawObject.of({})).with({ _meta: meta });
}
