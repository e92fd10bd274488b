// Relations between the ways to prove oneself: what an issuer calls its callers must not be what another way calls
// somebody else. Looks at no more options than that takes.
import type { JsonObject, JsonValue } from '../../protocol/values.ts';
import type { PlacedProblem } from '../issues.ts';
import type { Path } from '../schema.ts';
import { asList, asMap } from './guess.ts';

/** Methods beside issuers, whose ids are chosen here. */
const OTHERS = ['api_keys', 'signatures', 'certificates', 'peers'] as const;

interface Placed {
  readonly entry: number;
  readonly path: Path;
  readonly name: string | undefined;
  /** The same for what knows the same people by the same ids. */
  readonly source: string;
}

export function authNameProblems(tree: JsonObject): PlacedProblem[] {
  const entries = asList(tree.pipeline).map((entry) => optionsOf(entry));
  const issuers = entries.flatMap((options, at) => issuersOf(options, at));
  const other = entries.map(otherWay).find((way) => way !== undefined);
  return issuers.flatMap((issuer) => {
    const rival = issuers.find(({ entry, source }) => entry !== issuer.entry && source !== issuer.source);
    if (issuer.name === undefined && (other ?? rival))
      return [unnamed(issuer, other ?? 'those of another issuer')];
    const first = issuers.find(({ name }) => name === issuer.name);
    const isTaken = first?.entry !== issuer.entry && first?.source !== issuer.source;
    return issuer.name !== undefined && isTaken ? [taken(issuer)] : [];
  });
}

/** Of an entry that decides who calls. */
function optionsOf(entry: JsonValue): JsonObject {
  const { auth, mode = 'enforce' } = asMap(entry);
  return mode === 'enforce' ? asMap(auth) : {};
}

function issuersOf({ issuers }: JsonObject, entry: number): Placed[] {
  return asList(issuers).flatMap((each, at) => {
    const { issuer, name, claims } = asMap(each);
    if (typeof issuer !== 'string') return [];
    const own = typeof name === 'string' ? name : undefined;
    const source = JSON.stringify([issuer, own, asMap(claims).id ?? 'sub']);
    return [{ entry, path: ['pipeline', entry, 'auth', 'issuers', at], name: own, source }];
  });
}

function otherWay(options: JsonObject): string | undefined {
  const method = OTHERS.find((each) => options[each] !== undefined);
  if (method !== undefined) return `those of ${method}`;
  return asMap(options.anonymous).id === undefined ? undefined : 'those without a credential';
}

function unnamed({ path }: Placed, others: string): PlacedProblem {
  const message = `callers of this issuer could be taken for ${others}: nothing tells their ids apart`;
  const hint = 'add a name, which stands before their ids: name: okta';
  return { path: [...path, 'issuer'], code: 'ISSUER_NAME', message, hint };
}

function taken({ path, name }: Placed): PlacedProblem {
  const message = `"${name}" stands before ids that come from elsewhere, above: nothing tells their callers apart`;
  return { path: [...path, 'name'], code: 'ISSUER_NAME', message, hint: 'choose another name' };
}
