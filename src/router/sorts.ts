// The sorts of things that are known of an upstream: what makes two the same, and how they are kept for the time after
// a restart. What does not read as one of them is as good as nothing: it is asked for again.

import { joinItems, rawItems } from '../protocol/items.ts';
import { McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { type Listed, listed } from './list.ts';
import type { OfferKind } from './offering.ts';
import type { Said } from './source.ts';

/** Ours, so anything goes; a text that is none of ours ends here. */
const LIMITS = { depth: 256, keys: 10_000_000, string: 256 * 2 ** 20 };

/** One thing that is known of an upstream. */
export interface Sort<T> {
  readonly name: string;
  /** The list of whose changes is told. */
  readonly kind?: OfferKind;
  readonly same: (a: T, b: T) => boolean;
  /** Whether it makes a difference that there is none. */
  readonly isNothing: (value: T) => boolean;
  readonly text: (value: T) => string;
  readonly read: (text: string) => T | undefined;
  readonly size: (value: T) => number;
}

export const listsOf = (kind: OfferKind): Sort<Listed> => ({
  name: kind,
  kind,
  same: (a, b) => a.digest === b.digest,
  isNothing: ({ items }) => items.length === 0,
  text: textOfList,
  read: listOfText,
  size: ({ size }) => size,
});

export const HELLO: Sort<Said> = {
  name: 'hello',
  same: (a, b) => a.capabilities.text === b.capabilities.text && a.instructions === b.instructions,
  isNothing: () => false,
  text: textOfSaid,
  read: saidOfText,
  size: ({ capabilities, instructions = '' }) => capabilities.text.length + instructions.length,
};

/** A list as it passes, be it only its first page. */
export const passedOf = (kind: OfferKind): Sort<McpResult> => ({
  name: `${kind} passed`,
  kind,
  same: (a, b) => a.raw.raw(kind) === b.raw.raw(kind) && a.raw.has('nextCursor') === b.raw.has('nextCursor'),
  isNothing: () => false,
  text: textOfResult,
  read: resultOfText,
  size: ({ raw }) => raw.text.length,
});

function textOfList({ items, ttl, isPublic }: Listed): string {
  return RawObject.of({ ttl, isPublic }).with({ items: joinItems(items) }).text;
}

function listOfText(text: string): Listed | undefined {
  const kept = parsed(text);
  const items = kept?.raw('items');
  const ttl = kept?.get('ttl');
  if (!items?.startsWith('[') || typeof ttl !== 'number') return undefined;
  return listed(rawItems(items), [
    { ttlMs: ttl, scope: kept?.get('isPublic') === true ? 'public' : 'private' },
  ]);
}

function textOfSaid({ capabilities, instructions }: Said): string {
  return RawObject.of({}).with({ capabilities, ...(instructions === undefined ? {} : { instructions }) })
    .text;
}

function saidOfText(text: string): Said | undefined {
  const kept = parsed(text);
  const capabilities = kept?.object('capabilities');
  return capabilities && { capabilities, instructions: kept?.string('instructions') };
}

function textOfResult({ raw, signed }: McpResult): string {
  return RawObject.of({ signed }).with({ result: raw }).text;
}

function resultOfText(text: string): McpResult | undefined {
  const kept = parsed(text);
  const result = kept?.object('result');
  const signed = kept?.get('signed');
  if (!result || typeof signed !== 'boolean') return undefined;
  return new McpResult('complete', result, undefined, undefined, signed);
}

function parsed(text: string): RawObject | undefined {
  try {
    return RawObject.parse(text, LIMITS);
  } catch {
    return undefined;
  }
}
