// Where the next page of a merged list begins: sealed, for one caller and one list. The place is said by neighbours,
// not by a number, so that items that come and go meanwhile neither repeat nor hide what was there all the time.

import { identityKey } from '../core/client.ts';
import type { Exchange } from '../core/exchange.ts';
import { digest } from '../lib/digest.ts';
import type { Seal } from '../lib/seal.ts';
import type { Offered, OfferKind } from './offering.ts';

/** Neighbours that a cursor remembers: those before it and those after it, of the same upstream. */
const BEFORE = 48;
const AFTER = 4;
const KIND = 'cursor';

/** What a cursor is good for: no other list, endpoint, view or caller. */
export interface Scope {
  readonly kind: OfferKind;
  /** What the endpoint offers, and to whom. */
  readonly offering: string;
}

export interface Place {
  /** Of the item before it. */
  readonly upstream: string;
  /** Marks of the items before it, nearest first. */
  readonly before: readonly string[];
  /** Whether nothing of the upstream came before these. */
  readonly isWhole: boolean;
  readonly after: readonly string[];
  /** How many items of the upstream came before it. */
  readonly index: number;
  /** All pages of one list are for the same audience. */
  readonly isPublic: boolean;
}

/** The cursor after `offered[end - 1]`. */
export function cursorAt(
  offered: readonly Offered[],
  end: number,
  isPublic: boolean,
  scope: Scope,
  x: Exchange,
  seal: Seal,
  now: number,
): string {
  const upstream = offered[end - 1]?.upstream ?? '';
  const own = (each: Offered): boolean => each.upstream === upstream;
  const before = offered.slice(0, end).filter(own);
  const place: Place = {
    upstream,
    before: before.slice(-BEFORE).reverse().map(markOf),
    isWhole: before.length <= BEFORE,
    after: offered.slice(end).filter(own).slice(0, AFTER).map(markOf),
    index: before.length,
    isPublic,
  };
  return seal.seal(KIND, JSON.stringify([boundTo(scope, x), now, place]));
}

/** @returns undefined for one that was made up, altered, given to another or for another list, or is too old */
export function placeOf(
  cursor: string,
  scope: Scope,
  x: Exchange,
  seal: Seal,
  bornAfter: number,
): Place | undefined {
  const text = seal.open(KIND, cursor);
  if (text === undefined) return undefined;
  const [bound, born, place]: [string, number, Place] = JSON.parse(text);
  return bound === boundTo(scope, x) && born > bornAfter ? place : undefined;
}

/** @param upstreams in their order @returns the index in `offered` at which the list goes on */
export function resumeAt(offered: readonly Offered[], place: Place, upstreams: readonly string[]): number {
  const { upstream, before, after, isWhole, index } = place;
  const own = offered.flatMap((each, at) => (each.upstream === upstream ? [{ at, mark: markOf(each) }] : []));
  const [first] = own;
  if (first === undefined) return afterUpstream(offered, upstreams, upstream);
  const find = (marks: readonly string[]): number | undefined => {
    const known = new Map(own.map(({ at, mark }) => [mark, at]));
    return marks.map((mark) => known.get(mark)).find((at) => at !== undefined);
  };
  const last = find(before);
  if (last !== undefined) return last + 1;
  if (isWhole) return first.at;
  return find(after) ?? own[index]?.at ?? (own.at(-1)?.at ?? first.at) + 1;
}

function afterUpstream(offered: readonly Offered[], upstreams: readonly string[], upstream: string): number {
  const later = new Set(upstreams.slice(upstreams.indexOf(upstream) + 1));
  const at = offered.findIndex((each) => later.has(each.upstream));
  return at < 0 ? offered.length : at;
}

function markOf({ own }: Offered): string {
  return Buffer.from(digest(own).slice(0, 12), 'hex').toString('base64url');
}

function boundTo({ kind, offering }: Scope, x: Exchange): string {
  return digest(JSON.stringify([kind, x.inbound.endpoint, offering, identityKey(x.principal)])).slice(0, 32);
}
