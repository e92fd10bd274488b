// Relations between the entries of `auth`: one of them alone can say who calls, and none can pass whom it could not
// judge. Looks at no more options than that takes.
import { anyOf } from '../../lib/glob.ts';
import type { JsonObject, JsonValue } from '../../protocol/values.ts';
import type { PlacedProblem } from '../issues.ts';
import type { Path } from '../schema.ts';
import { asList, asMap } from './guess.ts';

interface AuthEntry {
  /** Of what names the plugin. */
  readonly path: Path;
  covers(endpoint: string): boolean;
  /** Whether it is for some of the messages of its endpoints alone. */
  readonly isNarrow: boolean;
}

export function authEntryProblems(tree: JsonObject): PlacedProblem[] {
  const endpoints = tree.endpoints === undefined ? ['/mcp'] : Object.keys(asMap(tree.endpoints));
  const entries = asList(tree.pipeline);
  return [
    ...entries.flatMap((entry, at) => lenient(entry, ['pipeline', at])),
    ...secondEntries(entries.flatMap(enforced), endpoints),
  ];
}

/** Those that turn callers away. One in shadow mode says nothing of who calls, so it may stand beside another. */
function enforced(entry: JsonValue, at: number): AuthEntry[] {
  if (entry === 'auth') return [{ path: ['pipeline', at], covers: () => true, isNarrow: false }];
  const { auth, when, mode = 'enforce' } = asMap(entry);
  if (auth === undefined || mode !== 'enforce') return [];
  const { endpoints, ...others } = asMap(when);
  const patterns = asList(endpoints).filter((pattern) => typeof pattern === 'string');
  const covers = anyOf(endpoints === undefined ? undefined : patterns) ?? (() => true);
  return [{ path: ['pipeline', at, 'auth'], covers, isNarrow: Object.keys(others).length > 0 }];
}

/** Two that are for some messages each may be for different ones: only what is certain is a problem. */
function secondEntries(entries: readonly AuthEntry[], endpoints: readonly string[]): PlacedProblem[] {
  return entries.flatMap((entry, at) => {
    const before = entries.slice(0, at).filter(({ isNarrow }) => !isNarrow || !entry.isNarrow);
    const shared = endpoints.find((each) => entry.covers(each) && before.some(({ covers }) => covers(each)));
    if (shared === undefined) return [];
    const message = `another entry above says who calls at ${shared}: whom both see is refused`;
    const hint = 'name other endpoints, as when: { endpoints: [/mcp] }, or put its methods into that entry';
    return [{ path: entry.path, code: 'AUTH_TWICE', message, hint, on: 'key' as const }];
  });
}

function lenient(entry: JsonValue, path: Path): PlacedProblem[] {
  const { auth, mode = 'enforce', on_error: onError } = asMap(entry);
  if (auth === undefined || mode !== 'enforce' || onError !== 'pass') return [];
  const message = 'whom auth failed to judge would pass, and be taken for nobody in particular';
  const hint = 'remove it: who cannot be judged is refused';
  return [{ path: [...path, 'on_error'], code: 'AUTH_PASS', message, hint }];
}
