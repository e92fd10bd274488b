// What upstreams list and say of themselves as texts, for the time after a restart. What does not read as one of
// them is as good as nothing: it is asked for again.

import { joinItems, rawItems } from '../protocol/items.ts';
import { RawObject } from '../protocol/raw.ts';
import { type Listed, listed } from './list.ts';
import type { Said } from './source.ts';

/** Ours, so anything goes; a text that is none of ours ends here. */
const LIMITS = { depth: 256, keys: 10_000_000, string: 256 * 2 ** 20 };

export function textOfList({ items, ttl, isPublic }: Listed): string {
  return RawObject.of({ ttl, isPublic }).with({ items: joinItems(items) }).text;
}

export function listOfText(text: string): Listed | undefined {
  const kept = parsed(text);
  const items = kept?.raw('items');
  const ttl = kept?.get('ttl');
  if (!items?.startsWith('[') || typeof ttl !== 'number') return undefined;
  return listed(rawItems(items), [
    { ttlMs: ttl, scope: kept?.get('isPublic') === true ? 'public' : 'private' },
  ]);
}

export function textOfSaid({ capabilities, instructions }: Said): string {
  return RawObject.of({}).with({ capabilities, ...(instructions === undefined ? {} : { instructions }) })
    .text;
}

export function saidOfText(text: string): Said | undefined {
  const kept = parsed(text);
  const capabilities = kept?.object('capabilities');
  return capabilities && { capabilities, instructions: kept?.string('instructions') };
}

function parsed(text: string): RawObject | undefined {
  try {
    return RawObject.parse(text, LIMITS);
  } catch {
    return undefined;
  }
}
