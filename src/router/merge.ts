// Lists of several upstreams as one, in the order of the configuration. Items keep their bytes but for the name.

import { joinItems } from '../protocol/items.ts';
import type { ListKind } from '../protocol/methods.ts';
import { RawObject } from '../protocol/raw.ts';
import { prefixed } from './names.ts';

export interface Part {
  readonly upstream: string;
  readonly items: readonly RawObject[];
}

/** @param prefix whether tools and prompts get their upstream's name in front */
export function mergeLists(kind: ListKind, parts: readonly Part[], prefix: boolean): RawObject {
  const named = kind === 'tools' || kind === 'prompts';
  const items = parts.flatMap(({ upstream, items: own }) =>
    named && prefix
      ? own.map((item) => item.with({ name: prefixed(upstream, item.string('name') ?? '') }))
      : own,
  );
  return RawObject.of({}).with({ [kind]: joinItems(firstOfEach(items, KEY[kind])) });
}

const KEY: Readonly<Record<ListKind, string>> = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  resourceTemplates: 'uriTemplate',
  tasks: 'taskId',
};

/** Two upstreams may offer the same name or URI; the first one configured owns it. What has none is kept. */
function firstOfEach(items: readonly RawObject[], key: string): RawObject[] {
  const seen = new Set<string>();
  return items.filter((item) => {
    const name = item.string(key);
    return name === undefined || (!seen.has(name) && seen.add(name) !== undefined);
  });
}
