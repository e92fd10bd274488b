// Which lists a client sees differently on a new generation: found by listing on both and comparing the bytes.

import type { Client } from '../core/client.ts';
import { digest } from '../lib/digest.ts';
import type { Changed } from '../listeners/serving.ts';
import { McpRequest, META } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { Generation } from './generation.ts';

const LISTS = [
  ['toolsListChanged', 'tools/list', 'tools'],
  ['promptsListChanged', 'prompts/list', 'prompts'],
  ['resourcesListChanged', 'resources/list', 'resources'],
] as const;

/** A list that takes longer than this counts as changed, milliseconds. */
const LIST_MS = 5_000;

export type ChangedFor = (client: Client, path: string) => Promise<Changed>;

/** Compares two generations for as many clients as ask, each kind of client once. */
export function compareViews(before: Generation, after: Generation): ChangedFor {
  const asked = new Map<string, Promise<Changed>>();
  return (client, path) => {
    const key = `${path}\n${client.era}\n${client.principal.tenant ?? ''}\n${client.principal.id}`;
    const there = asked.get(key) ?? compare(before, after, client, path);
    asked.set(key, there);
    return there;
  };
}

export const UNCHANGED: ChangedFor = () => Promise.resolve(new Set());

async function compare(before: Generation, after: Generation, client: Client, path: string): Promise<Changed> {
  const verdicts = await Promise.all(
    LISTS.map(async ([member, method, items]) => {
      const [old, now] = await Promise.all([
        view(before, client, path, method, items),
        view(after, client, path, method, items),
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
): Promise<string | undefined> {
  const endpoint = generation.endpoints.get(path);
  if (!endpoint) return '';
  const inbound = { listener: 'gateway', endpoint: path, headers: new Headers() };
  const signal = AbortSignal.timeout(LIST_MS);
  // The older generation is drained meanwhile; it has to stay until it has been asked.
  const leave = endpoint.hold();
  try {
    const request = new McpRequest(method, envelope(client));
    const x = await endpoint.open(client, inbound, request, signal, `compare-${crypto.randomUUID()}`);
    const result = await endpoint.handle(x, () => undefined);
    x.close(result);
    // An upstream without this kind of thing answers with an error; that is a view, too.
    if (result.kind === 'error') return signal.aborted ? undefined : `error ${result.code}`;
    return digest(result.raw.raw(items) ?? '');
  } catch {
    return undefined;
  } finally {
    leave();
  }
}

function envelope({ version, capabilities, info, era }: Client): RawObject | undefined {
  if (era !== '2026') return undefined;
  const meta = RawObject.of({ [META.protocolVersion]: version }).with({
    [META.clientCapabilities]: capabilities,
    ...(info ? { [META.clientInfo]: info } : {}),
  });
  return RawObject.of({}).with({ _meta: meta });
}
