// Relations within a pipeline: one plugin per entry, known by name, ids that differ, upstreams that exist.
// Must not load a plugin or look at its options.
import { suggest } from '../../lib/suggest.ts';
import type { JsonObject, JsonValue } from '../../protocol/values.ts';
import type { PlacedProblem } from '../issues.ts';
import type { Path } from '../schema.ts';
import { ENTRY_FIELDS } from '../sections/pipeline.ts';
import { unknownUpstream } from './endpoints.ts';
import { asList, asMap, isMap } from './guess.ts';

const FILE = /^(?:\.{0,2}\/)/;
const ENDING = /\.(?:ts|js|mjs)$/;

/** Whether a plugin is named by a path instead of a built-in name. */
export function isPluginFile(name: string): boolean {
  return FILE.test(name);
}

/** Whether a file may hold a plugin, by its name. */
export function hasPluginEnding(name: string): boolean {
  return ENDING.test(name);
}

/** The id of an entry without one: the plugin's name, for a file its name without directory and ending. */
export function presetId(plugin: string): string {
  return isPluginFile(plugin) ? (plugin.split('/').at(-1) ?? plugin).replace(ENDING, '') : plugin;
}

/** Keys of an entry that name a plugin. */
export function pluginKeys(entry: JsonObject): string[] {
  return Object.keys(entry).filter((key) => !(ENTRY_FIELDS as readonly string[]).includes(key));
}

export function pipelineProblems(tree: JsonObject, plugins: readonly string[]): PlacedProblem[] {
  const upstreams = asMap(tree.upstreams);
  const names = Object.keys(upstreams);
  const endpoints = tree.endpoints === undefined ? ['/mcp'] : Object.keys(asMap(tree.endpoints));
  const legs = Object.entries(upstreams).flatMap(([name, upstream]) =>
    onePipeline(asMap(upstream).pipeline, ['upstreams', name, 'pipeline'], plugins, { endpoints }),
  );
  return [...onePipeline(tree.pipeline, ['pipeline'], plugins, { upstreams: names, endpoints }), ...legs];
}

/** The names that `when` may use; no upstreams in the pipeline of one. */
interface Names {
  readonly upstreams?: readonly string[];
  readonly endpoints: readonly string[];
}

function onePipeline(
  pipeline: JsonValue | undefined,
  path: Path,
  plugins: readonly string[],
  names: Names,
): PlacedProblem[] {
  const ids = new Set<string>();
  return asList(pipeline).flatMap((entry, index) => {
    const here = [...path, index];
    if (typeof entry === 'string')
      return [...nameProblems(entry, here, plugins), ...idProblems(presetId(entry), here, ids)];
    if (!isMap(entry)) return [];
    const [plugin, ...more] = pluginKeys(entry);
    if (plugin === undefined || more.length > 0)
      return [...shapeProblems(entry, here, plugins), ...whenProblems(entry, here, names)];
    const { id } = entry;
    const named =
      typeof id === 'string' ? { id, at: [...here, 'id'] } : { id: presetId(plugin), at: [...here, plugin] };
    return [
      ...nameProblems(plugin, [...here, plugin], plugins),
      ...idProblems(named.id, named.at, ids),
      ...whenProblems(entry, here, names),
    ];
  });
}

function nameProblems(name: string, path: Path, plugins: readonly string[]): PlacedProblem[] {
  const problem = { path, code: 'PLUGIN_UNKNOWN', on: 'key' } as const;
  if (isPluginFile(name)) {
    if (ENDING.test(name)) return [];
    return [{ ...problem, message: 'not a plugin file', hint: 'its name ends in .ts, .js or .mjs' }];
  }
  if (plugins.includes(name)) return [];
  if (ENDING.test(name))
    return [{ ...problem, message: `unknown plugin "${name}"`, hint: `a file needs a path: ./${name}` }];
  const meant = suggest(name, plugins);
  const known = `(${[...plugins].sort().join(', ')}, or a ./path.ts)`;
  const hint = meant === undefined ? `known: ${known.slice(1, -1)}` : `did you mean "${meant}"?  ${known}`;
  return [{ ...problem, message: `unknown plugin "${name}"`, hint }];
}

/** An entry that names no plugin, or more than one. */
function shapeProblems(entry: JsonObject, path: Path, plugins: readonly string[]): PlacedProblem[] {
  const keys = pluginKeys(entry);
  const isPlugin = (key: string): boolean => plugins.includes(key) || isPluginFile(key);
  const main = keys.find(isPlugin) ?? keys[0];
  if (main === undefined) {
    const hint = 'name one: - progress: {}';
    return [
      { path, code: 'PLUGIN_ENTRY', message: 'no plugin in this entry', hint, on: 'key', isContainer: true },
    ];
  }
  const others = keys.filter((key) => key !== main);
  return others.map((key) => ({ ...beside(key, main, isPlugin(key)), path: [...path, key], on: 'key' }));
}

/** A second key beside a plugin: another plugin, a misspelt field, or an option that is not indented. */
function beside(key: string, main: string, isPlugin: boolean): Omit<PlacedProblem, 'path'> {
  const message = `"${key}" beside another plugin`;
  if (isPlugin) return { code: 'PLUGIN_ENTRY', message, hint: 'give it a "- " of its own' };
  const field = suggest(key, ENTRY_FIELDS);
  if (field === undefined)
    return { code: 'PLUGIN_ENTRY', message, hint: `if it is an option of "${main}", indent it below` };
  return { code: 'FIELD_UNKNOWN', message: `unknown field "${key}"`, hint: `did you mean "${field}"?` };
}

function idProblems(id: string, path: Path, ids: Set<string>): PlacedProblem[] {
  if (!ids.has(id)) {
    ids.add(id);
    return [];
  }
  const hint = 'give one of them an id of its own beside the plugin: id: …';
  return [
    {
      path,
      code: 'PLUGIN_ID',
      message: `another entry above has the id "${id}"`,
      hint,
      on: path.at(-1) === 'id' ? 'value' : 'key',
    },
  ];
}

function whenProblems(entry: JsonObject, path: Path, { upstreams, endpoints }: Names): PlacedProblem[] {
  const { upstreams: wanted, endpoints: paths } = asMap(entry.when);
  const at: Path = [...path, 'when', 'upstreams'];
  if (wanted !== undefined && upstreams === undefined) {
    const hint = 'this pipeline runs for its own upstream alone; remove it';
    return [
      { path: at, code: 'UPSTREAM_FIELD', message: '"upstreams" has no meaning here', hint, on: 'key' },
    ];
  }
  return [
    ...asList(wanted).flatMap((name, index) =>
      typeof name === 'string' && !upstreams?.includes(name)
        ? [unknownUpstream(name, [...at, index], upstreams ?? [])]
        : [],
    ),
    ...asList(paths).flatMap((name, index) =>
      typeof name === 'string' && !name.includes('*') && !endpoints.includes(name)
        ? [missingEndpoint(name, [...path, 'when', 'endpoints', index], endpoints)]
        : [],
    ),
  ];
}

/** An entry that guards one endpoint must not miss it by a letter. */
function missingEndpoint(name: string, path: Path, endpoints: readonly string[]): PlacedProblem {
  const meant = suggest(name, endpoints);
  const hint = meant === undefined ? `endpoints: ${endpoints.join(', ')}` : `did you mean "${meant}"?`;
  return { path, code: 'ENDPOINT_MISSING', message: `there is no endpoint "${name}"`, hint };
}
