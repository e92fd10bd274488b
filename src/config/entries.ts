// The entries of pipelines as they are written, whether or not the rest of the document stands.
import type { JsonValue } from '../protocol/values.ts';
import type { ConfigDocument } from './document.ts';
import { valueAt } from './place.ts';
import { isMap } from './relations/guess.ts';
import { pluginKeys } from './relations/pipeline.ts';
import type { Path } from './schema.ts';

export interface WrittenEntry {
  readonly path: Path;
  /** Name or path, as written. */
  readonly plugin: string;
  /** `{}` where there are none. */
  readonly options: JsonValue;
  readonly isOff: boolean;
}

/** The top pipeline's entries, then those of upstreams; without what can be no entry. */
export function writtenEntries(document: ConfigDocument): WrittenEntry[] {
  const values = document.values();
  return entryPaths(values).flatMap((path): WrittenEntry[] => {
    const entry = valueAt(values, path);
    if (typeof entry === 'string') return [{ path, plugin: entry, options: {}, isOff: false }];
    const [plugin, ...more] = isMap(entry) ? pluginKeys(entry) : [];
    if (!isMap(entry) || plugin === undefined || more.length > 0) return [];
    const options = entry[plugin] ?? {};
    return isMap(options) ? [{ path, plugin, options, isOff: entry.mode === 'off' }] : [];
  });
}

function entryPaths(values: JsonValue): Path[] {
  if (!isMap(values)) return [];
  const within = (pipeline: JsonValue | undefined, path: Path): Path[] =>
    Array.isArray(pipeline) ? pipeline.map((_, index) => [...path, index]) : [];
  const upstreams = isMap(values.upstreams) ? Object.entries(values.upstreams) : [];
  return [
    ...within(values.pipeline, ['pipeline']),
    ...upstreams.flatMap(([name, upstream]) =>
      isMap(upstream) ? within(upstream.pipeline, ['upstreams', name, 'pipeline']) : [],
    ),
  ];
}
