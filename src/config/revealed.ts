// Which values of a configuration are secret: what must not leave in any text. Judged by what a reference says, by
// the names of fields, and by the look of a value where a name says nothing. Shows nothing.
import type { JsonValue } from '../protocol/values.ts';
import { isPlain, isSensitive, mayHoldSecret, namesSecret } from './place.ts';
import type { Path } from './schema.ts';
import type { Interpolated } from './tree.ts';

const CREDENTIALS = /^[A-Za-z][\w-]* +(?=\S)/;
const USER_INFO = /\/\/([^\s/:@]*):([^\s/@]+)@/g;
const QUERY = /[?&]([\w.~-]+)=([^\s&#]+)/g;
const FLAG = /^--?([\w-]+?)(?:=(.*))?$/s;

/**
 * Every secret value of a tree.
 * @param interpolated the references of the scalar at a path
 */
export function secretsOf(
  tree: JsonValue,
  interpolated: (path: Path) => Interpolated | undefined,
): ReadonlySet<string> {
  const found = new Set<string>();
  const add = (value: string): void => {
    for (const each of withParts(value)) found.add(each);
  };
  const leaf = (value: string, path: Path): void => {
    const references = interpolated(path)?.read ?? [];
    for (const { written, value: read } of references)
      if (written.startsWith('${secret:') || isSecretAt(path, read, written.startsWith('${file:'))) add(read);
    const isNamed = references.length === 0 && isPlain(path);
    if (!isNamed && isSecretAt(path, value, false)) add(value);
    for (const inside of withinUrl(value)) found.add(inside);
  };
  const walk = (value: JsonValue, path: Path): void => {
    if (typeof value === 'string') leaf(value, path);
    else if (typeof value === 'number' && isSecretAt(path, String(value), false)) add(String(value));
    else if (Array.isArray(value)) {
      for (const [at, item] of value.entries()) walk(item, [...path, at]);
      for (const flagged of afterFlags(value)) found.add(flagged);
    } else if (typeof value === 'object' && value !== null)
      for (const [key, held] of Object.entries(value)) walk(held, [...path, key]);
  };
  walk(tree, []);
  return found;
}

/** Whether a text that the file holds itself, at this path, is a secret: by its name, or by its look. */
export function isSecretAt(path: Path, value: string, isFile: boolean): boolean {
  const name = path.findLast((step) => typeof step === 'string');
  if (name !== undefined && namesSecret(name)) return true;
  if (!isSensitive(path) && !mayHoldSecret(path)) return false;
  return isFile || looksSecret(value.replace(CREDENTIALS, ''));
}

/** RFC 3339. */
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/i;

/** Letters and digits without a space, and neither a time nor a place nor a host, as keys and tokens are. */
export function looksSecret(text: string): boolean {
  if (text.length < 12 || /\s/.test(text) || !/\d/.test(text) || !/[a-z]/i.test(text)) return false;
  if (TIME.test(text)) return false;
  if (/^(?:[a-z][a-z+.-]*:\/\/|[./~])/i.test(text)) return false;
  return !/^[a-z\d-]+(?:\.[a-z\d-]+)+(?::\d+)?$/.test(text);
}

/** `Bearer X` is X as well, and what `Basic X` stands for. */
function withParts(value: string): string[] {
  const scheme = CREDENTIALS.exec(value)?.[0];
  if (scheme === undefined) return [value];
  const rest = value.slice(scheme.length);
  if (!/^basic /i.test(scheme)) return [value, rest];
  const decoded = Buffer.from(rest, 'base64').toString('utf8');
  return [value, rest, decoded, decoded.slice(decoded.indexOf(':') + 1)];
}

/** Passwords of URLs, and values of parameters that are called secret or look so. */
function withinUrl(text: string): string[] {
  if (!text.includes('//')) return [];
  const passwords = [...text.matchAll(USER_INFO)].map(([, , password]) => password ?? '');
  const parameters = [...text.matchAll(QUERY)].flatMap(([, name = '', value = '']) =>
    namesSecret(name) || looksSecret(value) ? [value] : [],
  );
  return [...passwords, ...parameters].flatMap((value) => [value, decoded(value)]);
}

/** `--token X` and `--token=X` in the arguments of a command. */
function afterFlags(items: readonly JsonValue[]): string[] {
  return items.flatMap((item, at) => {
    const [, name, inline] = (typeof item === 'string' && FLAG.exec(item)) || [];
    if (name === undefined || !namesSecret(name)) return [];
    const value = inline ?? items[at + 1];
    return typeof value === 'string' ? [value] : [];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
