// Paths in a document: how they are compared, shown, and which of them lead to something that may be a secret.
// Knows neither YAML nor the schema.
import { suggest } from '../lib/suggest.ts';
import type { JsonValue } from '../protocol/values.ts';
import type { Path } from './schema.ts';

const SECRET_MAP = /^\w*headers?$/i;
const SECRET_MAPS = ['headers', 'env', 'environment'];
const SECRET_KEY =
  /(?:^|[_-])(?:secret|passwd|password|passphrase|token|credentials?|authorization|cookie|api[_-]?key|private[_-]?key)s?$/;

/** A path as a map key. */
export function pathKey(path: Path): string {
  return JSON.stringify(path);
}

/** Whether `path` is `above` or lies below it. */
export function isWithin(path: Path, above: Path): boolean {
  return above.length <= path.length && above.every((step, index) => step === path[index]);
}

/** Whether literal text at this path is masked wherever it would be shown. Judged by names, so typos are covered too. */
export function isSensitive(path: Path): boolean {
  if (isKey(path)) return true;
  return path.some((step, index) => {
    if (typeof step !== 'string') return false;
    // A list of header names is no secret; what a map holds under them is.
    if (SECRET_MAP.test(step) || suggest(step, SECRET_MAPS) !== undefined) {
      const next = path[index + 1];
      return next === undefined ? /(?:s|env|environment)$/i.test(step) : typeof next === 'string';
    }
    return namesSecret(step);
  });
}

/** Whether what is called so is a secret. */
export function namesSecret(name: string): boolean {
  return SECRET_KEY.test(name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase());
}

/** Options of the built-in plugins that say who, what for, where or until when: keys are next to them, and none is in them. */
const PLAIN =
  /^(?:id|(?:key|client)_id|principals?|tenants?|groups|scopes|names|issuer|subject_issuers|forward|audiences?|assertion_audience|resource|not_before|not_after|expires|fingerprint|subject|uri|dns|email|ip|region|service|message|tag|label)$/;

/** Whether what the file itself has here is no secret, however much it looks like one. */
export function isPlain(path: Path): boolean {
  const at = path.findLastIndex((step) => typeof step === 'string');
  const [above, name] = [path[at - 1], path[at]];
  const isHeld = typeof above === 'string' && SECRET_MAPS.includes(above.toLowerCase());
  return path.includes('pipeline') && typeof name === 'string' && PLAIN.test(name) && !isHeld;
}

/** Whether literal text at this path is shown as dots, in frames, plans and dumps. */
export function isHidden(path: Path): boolean {
  return isSensitive(path) && !isPlain(path);
}

/** Where a private key may stand as text. */
function isKey(path: Path): boolean {
  if (path.at(-1) !== 'key') return false;
  if (path[0] === 'upstreams') return path[2] === 'tls';
  return path[0] === 'listeners' && path[2] === 'http' && path[3] === 'tls';
}

/** Whether `${secret:…}` may stand here: headers and env of an upstream, options of a plugin, keys of TLS. */
export function mayHoldSecret(path: Path): boolean {
  if (isKey(path)) return true;
  const inner = path[0] === 'upstreams' ? path.slice(2) : path;
  if (inner.length >= 2 && path.length > inner.length && (inner[0] === 'headers' || inner[0] === 'env'))
    return true;
  // pipeline, position, plugin, option …; the fields of an entry are refused by their own schema.
  return inner[0] === 'pipeline' && inner.length >= 4 && inner[2] !== 'when';
}

/** The value at a path; `undefined` when there is none. */
export function valueAt(tree: JsonValue | undefined, path: Path): JsonValue | undefined {
  let value: JsonValue | undefined = tree;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    const container = value as Readonly<Record<string | number, JsonValue>>;
    value = Object.hasOwn(container, step) ? container[step] : undefined;
  }
  return value;
}

/** A copy of the tree with another value at the path; maps and list positions on the way are made as needed. */
export function withValue(tree: JsonValue | undefined, path: Path, value: JsonValue): JsonValue {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (typeof step === 'number') {
    const list = Array.isArray(tree) ? [...tree] : [];
    list[step] = withValue(list[step], rest, value);
    return list;
  }
  const map = typeof tree === 'object' && tree !== null && !Array.isArray(tree) ? tree : {};
  return { ...map, [step]: withValue((map as Record<string, JsonValue>)[step], rest, value) };
}
