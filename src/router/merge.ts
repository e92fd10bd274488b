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
    named && prefix ? own.map((item) => item.with({ name: prefixed(upstream, item.string('name') ?? '') })) : own,
  );
  return RawObject.of({}).with({ [kind]: joinItems(named ? items : firstOfEach(items)) });
}

/** Two upstreams may offer the same URI; the first one configured owns it. */
function firstOfEach(items: readonly RawObject[]): RawObject[] {
  const seen = new Set<string>();
  return items.filter((item) => {
    const uri = item.string('uri') ?? item.string('uriTemplate') ?? '';
    return !seen.has(uri) && seen.add(uri) !== undefined;
  });
}
