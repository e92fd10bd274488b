// Items of several upstreams as one list. They keep their bytes.

import { joinItems } from '../protocol/items.ts';
import type { ListKind } from '../protocol/methods.ts';
import { RawObject } from '../protocol/raw.ts';

export function joined(kind: ListKind, items: readonly RawObject[]): RawObject {
  return RawObject.of({}).with({ [kind]: joinItems(items) });
}
