// A list that comes in pages, followed to its end; one without an end to `limits.pages`.

import type { RawObject } from '../protocol/raw.ts';
import type { Host } from './host.ts';
import type { LogFields } from './log.ts';

/** How far a list is followed. */
export interface Pages {
  /** `limits.pages`. */
  readonly most: number;
  readonly host: Host;
}

/**
 * Every page as it comes. What is beyond the limit is left out, counted and logged.
 * @param of whose list it is, for the log
 * @param page asks for one: without a cursor for the first
 */
export async function* pagesOf(
  { most, host }: Pages,
  of: LogFields,
  page: (cursor: string | undefined) => Promise<RawObject>,
): AsyncGenerator<RawObject, void> {
  const seen = new Set<string>();
  let cursor: string | undefined;
  for (let n = 0; n < most; n++) {
    const raw = await page(cursor);
    yield raw;
    cursor = raw.string('nextCursor');
    // One that comes again leads round in a circle.
    if (cursor === undefined || seen.has(cursor)) return;
    seen.add(cursor);
  }
  host.metrics.limitHits.inc({ limit: 'pages' });
  host.log.warn('a list has more pages than limits.pages', { ...of, pages: most });
}
