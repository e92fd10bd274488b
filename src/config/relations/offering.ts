// Relations between names: aliases that lead to a tool and are nobody else's name, new names that differ, views that
// somebody has. What upstreams really have is not known here.
import { anyOf } from '../../lib/glob.ts';
import { type NameTemplate, nameTemplate, PREFIX, unjoined } from '../../lib/name-template.ts';
import type { JsonObject, JsonValue } from '../../protocol/values.ts';
import type { PlacedProblem } from '../issues.ts';
import type { Path } from '../schema.ts';
import { unknownUpstream } from './endpoints.ts';
import { asList, asMap, isMap } from './guess.ts';

/** What an endpoint has itself where its tools are found instead of listed. */
const SEARCH_TOOLS = ['find_tool', 'call_tool'];

/** How names are made on an endpoint with these upstreams. */
export function templateOf(names: string, upstreams: readonly string[]): NameTemplate | undefined {
  if (names === 'auto') return upstreams.length > 1 ? PREFIX : undefined;
  return names === 'prefix' ? PREFIX : nameTemplate(names);
}

/** The tool that an alias is for. An upstream's name has no slash. */
export function aliasTarget(target: string): { upstream: string; own: string } {
  const [upstream = '', ...own] = target.split('/');
  return { upstream, own: own.join('/') };
}

export function offeringProblems(tree: JsonObject): PlacedProblem[] {
  const upstreams = asMap(tree.upstreams);
  return [
    ...Object.entries(asMap(tree.endpoints)).flatMap(([path, endpoint]) => [
      ...aliasProblems(asMap(endpoint), ['endpoints', path], upstreams),
      ...exposeProblems(asMap(asMap(endpoint).expose), ['endpoints', path, 'expose']),
      ...viewProblems(asMap(endpoint).views, ['endpoints', path, 'views']),
    ]),
    ...Object.entries(upstreams).flatMap(([name, upstream]) =>
      overrideProblems(asMap(asMap(upstream).overrides), ['upstreams', name, 'overrides']),
    ),
  ];
}

function aliasProblems(endpoint: JsonObject, path: Path, upstreams: JsonObject): PlacedProblem[] {
  const all = Object.keys(upstreams);
  const said = endpoint.upstreams === undefined ? ['*'] : asList(endpoint.upstreams);
  const chosen = all.filter((name) => said.includes('*') || said.includes(name));
  const template = templateOf(String(endpoint.names ?? 'auto'), chosen);
  const aliased = new Map<string, string>();
  const ownTools = asMap(endpoint.expose).mode === 'search' ? SEARCH_TOOLS : [];
  return Object.entries(asMap(endpoint.aliases)).flatMap(([alias, target]): PlacedProblem[] => {
    if (typeof target !== 'string') return [];
    const place: Path = [...path, 'aliases', alias];
    const { upstream, own } = aliasTarget(target);
    const problem = (message: string, hint: string, on: 'key' | 'value'): PlacedProblem[] => [
      { path: place, code: 'ENDPOINT_ALIAS', message, hint, on },
    ];
    if (own === '') return [];
    if (ownTools.includes(alias))
      return problem('a tool of the gateway is called so (expose: search)', 'choose another name', 'key');
    if (!all.includes(upstream)) return [unknownUpstream(upstream, place, all)];
    if (!chosen.includes(upstream))
      return problem(
        `this endpoint does not have "${upstream}"`,
        'add it to the upstreams of the endpoint',
        'value',
      );
    const other = aliased.get(target);
    if (other !== undefined)
      return problem(`"${target}" is called "${other}" already`, 'remove one of the two', 'value');
    aliased.set(target, alias);
    if (isHidden(asMap(asMap(upstreams[upstream]).tools), own))
      return problem(`upstreams.${upstream}.tools hides "${own}"`, 'allow it there', 'value');
    const owner = template && chosen.find((name) => unjoined(template, name, alias) !== undefined);
    if (template === undefined || owner === undefined) return [];
    const name = unjoined(template, owner, alias) ?? '';
    return problem(
      `a tool "${name}" of ${owner} would be called so`,
      'choose a name that is not made like one',
      'key',
    );
  });
}

/** What only a search needs does nothing where all tools are listed. */
function exposeProblems(expose: JsonObject, path: Path): PlacedProblem[] {
  if (expose.mode === 'search') return [];
  return ['hits', 'also']
    .filter((field) => expose[field] !== undefined)
    .map(
      (field): PlacedProblem => ({
        path: [...path, field],
        code: 'VALUE_INVALID',
        message: `"${field}" is for mode: search`,
        hint: 'add mode: search, or remove it',
        on: 'key',
      }),
    );
}

function isHidden({ allow, deny }: JsonObject, own: string): boolean {
  const texts = (list: JsonValue | undefined): string[] | undefined => {
    const given = asList(list).filter((text) => typeof text === 'string');
    return given.length > 0 ? given : undefined;
  };
  return anyOf(texts(allow))?.(own) === false || anyOf(texts(deny))?.(own) === true;
}

function viewProblems(views: JsonValue | undefined, path: Path): PlacedProblem[] {
  const all = asList(views).map((view) => asMap(asMap(view).for));
  const last = asList(views).findIndex((view, i) => isMap(view) && Object.keys(all[i] ?? {}).length === 0);
  if (last < 0 || last === all.length - 1) return [];
  const hint = 'move the view without "for" to the end';
  const message = 'nobody has this view: the one above is for everybody';
  return [{ path: [...path, last + 1], code: 'ENDPOINT_VIEW', message, hint, severity: 'warning' }];
}

/** A tool that is changed and not renamed keeps its name, which no other may take. */
function overrideProblems(overrides: JsonObject, path: Path): PlacedProblem[] {
  const taken = new Map<string, string>();
  const entries = Object.entries(overrides).map(([own, override]) => ({ own, name: asMap(override).name }));
  for (const { own, name } of entries) if (name === undefined || name === own) taken.set(own, own);
  return entries.flatMap(({ own, name }): PlacedProblem[] => {
    if (typeof name !== 'string' || name === own) return [];
    const other = taken.get(name);
    taken.set(name, own);
    if (other === undefined) return [];
    const message = `the tool "${other}" is called "${name}" already`;
    const hint = `choose another name, or rename "${other}" too`;
    return [{ path: [...path, own, 'name'], code: 'OVERRIDE_NAME', message, hint }];
  });
}
