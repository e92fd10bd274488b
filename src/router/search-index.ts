// Which tools fit a few words: a ranked index over what one kind of caller is offered.

import MiniSearch from 'minisearch';
import type { Offered } from './offering.ts';

interface Entry {
  readonly id: number;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: string;
}

const FIELDS = ['name', 'title', 'description', 'arguments'];

export interface SearchIndex {
  /** Best first. */
  find(query: string): readonly Offered[];
}

export function searchIndex(offered: readonly Offered[]): SearchIndex {
  const index = new MiniSearch<Entry>({
    fields: FIELDS,
    tokenize: words,
    searchOptions: {
      boost: { name: 4, title: 3, description: 2 },
      prefix: (term) => term.length > 2,
      fuzzy: (term) => (term.length > 4 ? 0.2 : false),
      tokenize: words,
    },
  });
  index.addAll(offered.map(entryOf));
  return {
    find: (query) =>
      index.search(query).flatMap(({ id }) => {
        const found = offered[id as number];
        return found ? [found] : [];
      }),
  };
}

function entryOf({ full, own, upstream, item }: Offered, id: number): Entry {
  const properties = item.object('inputSchema')?.object('properties');
  const args = (properties?.keys() ?? []).map(
    (name) => `${name} ${properties?.object(name)?.string('description') ?? ''}`,
  );
  return {
    id,
    // People also write it as one word.
    name: `${full} ${upstream} ${words(own).join('').toLowerCase()}`,
    title: item.string('title') ?? item.object('annotations')?.string('title') ?? '',
    description: item.string('description') ?? '',
    arguments: args.join(' '),
  };
}

/** Of `getIssue`, `get_issue` and "get issue" the same ones, in any script. */
function words(text: string): string[] {
  return text
    .replace(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => word !== '');
}
