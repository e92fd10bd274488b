// Extensions of several upstreams: which of them an endpoint can speak of, and whose a method is that only an
// extension can have.

import { TASKS } from '../protocol/extensions.ts';
import { RawObject } from '../protocol/raw.ts';

/** The `extensions` of one upstream's capabilities. */
type Declared = RawObject | undefined;

/**
 * What is advertised: tasks, which are routed by their ids, and whatever just one upstream has, so that its methods
 * can be nobody else's.
 */
export function unitedExtensions(all: readonly Declared[]): RawObject | undefined {
  let united = RawObject.of({});
  for (const declared of all) {
    for (const extension of declared?.keys() ?? []) {
      if (extension === TASKS) united = united.with({ [TASKS]: {} });
      else if (countOf(extension, all) === 1)
        united = united.with({ [extension]: declared?.object(extension) ?? RawObject.of({}) });
    }
  }
  return united.keys().length === 0 ? undefined : united;
}

/**
 * Whose a method is that the protocol itself does not know: of the one upstream whose extension is called as the
 * method begins, `com.example/widgets` for `widgets/list`; else of the only one that has any extension.
 * @returns the index, or undefined where it could be several
 */
export function ownerOf(method: string, all: readonly Declared[]): number | undefined {
  const own = all.map((declared) => declared?.keys().filter((extension) => extension !== TASKS) ?? []);
  const [space] = method.split('/');
  const named = indexes(own, (extension) => extension.slice(extension.indexOf('/') + 1) === space);
  const having = named.length > 0 ? named : indexes(own, () => true);
  return having.length === 1 ? having[0] : undefined;
}

function indexes(own: readonly (readonly string[])[], is: (extension: string) => boolean): number[] {
  return own.flatMap((extensions, i) => (extensions.some(is) ? [i] : []));
}

function countOf(extension: string, all: readonly Declared[]): number {
  return all.filter((declared) => declared?.has(extension)).length;
}
