// Which secrets a configuration names, and where, before anything of it is judged: some have to be asked for, and that
// takes time. Reads no value of a secret.
import { resolve } from 'node:path';
import type { JsonValue } from '../protocol/values.ts';
import { parseReferences, type World } from './interpolate.ts';
import { valueAt } from './place.ts';
import type { Path } from './schema.ts';
import { readTree } from './tree.ts';
import { parseYaml } from './yaml.ts';

export interface Wants {
  /** Places of each name, as people write them: `upstreams.github.headers.Authorization`. */
  readonly secrets: ReadonlyMap<string, readonly string[]>;
  /** `state.dir`, absolute; undefined where the caller chooses. */
  readonly stateDir: string | undefined;
}

/** Never throws. Of a text that is no YAML, as much as can be understood. */
export function wantsOf(text: string, world: Omit<World, 'vault' | 'isBlind'>): Wants {
  const { document, root } = parseYaml(text.replace(/^\ufeff/, ''));
  const { values, written } = readTree(document, root, { ...world, isBlind: true });
  const secrets = new Map<string, string[]>();
  const walk = (value: JsonValue, path: Path): void => {
    if (typeof value === 'string') {
      for (const part of parseReferences(value).parts)
        if (typeof part === 'object' && part.kind === 'secret')
          secrets.set(part.name, [...(secrets.get(part.name) ?? []), pathText(path)]);
    } else if (Array.isArray(value)) for (const [at, item] of value.entries()) walk(item, [...path, at]);
    else if (typeof value === 'object' && value !== null)
      for (const [key, held] of Object.entries(value)) walk(held, [...path, key]);
  };
  walk(written, []);
  const dir = valueAt(values, ['state', 'dir']);
  return { secrets, stateDir: typeof dir === 'string' ? resolve(world.baseDir, dir) : undefined };
}

function pathText(path: Path): string {
  return path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`),
    '',
  );
}
