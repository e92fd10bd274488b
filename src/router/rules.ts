// Lists of what is allowed and denied, as tests. Names are compared as they are; URIs in every way a server could
// read them, since one that decodes `%2e%2e` or `//` must not be reached around a rule.

import { anyOf, type Test } from '../lib/glob.ts';

/** Patterns with `*`. Denied is what matches `deny`; where there is `allow`, also what does not match it. */
export interface Rules {
  readonly allow?: readonly string[] | undefined;
  readonly deny?: readonly string[] | undefined;
}

/** Whether a name passes. @returns undefined where every name does */
export function nameRules(rules: Rules | undefined): Test | undefined {
  const allow = anyOf(rules?.allow);
  const deny = anyOf(rules?.deny);
  return allow || deny ? (name) => (allow?.(name) ?? true) && !deny?.(name) : undefined;
}

/** Whether a URI passes. @returns undefined where every URI does */
export function uriRules(rules: Rules | undefined): Test | undefined {
  const passes = nameRules(
    rules && { allow: rules.allow?.flatMap(spellings), deny: rules.deny?.flatMap(spellings) },
  );
  return passes && ((uri) => readings(uri).every(passes));
}

const SCHEME = /^[a-z][a-z0-9+.-]*:/i;

/** A pattern that is not written as a URI is read is none the less meant. */
function spellings(pattern: string): string[] {
  return SCHEME.test(pattern) ? readings(pattern) : [pattern];
}

/** Decoding goes on until nothing changes, and no further than any server would. */
const ROUNDS = 4;

/** The URI as it is, and as it is after decoding and resolving what can be. */
function readings(uri: string): string[] {
  const all = new Set([uri]);
  let text = uri;
  for (let round = 0; round < ROUNDS; round++) {
    all.add(resolved(text));
    const decoded = decode(text);
    if (decoded === text) break;
    text = decoded;
    all.add(text);
  }
  return [...all];
}

function decode(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => {
    try {
      return decodeURIComponent(bytes);
    } catch {
      // Bytes that are no UTF-8 stay.
      return bytes;
    }
  });
}

/** Scheme and host in lower case, `.` and `..` followed, no empty segment in the path, no back slash. */
function resolved(uri: string): string {
  const [, scheme = '', rest = uri] = /^([a-z][a-z0-9+.-]*:)?(.*)$/is.exec(uri) ?? [];
  const slashes = rest.replaceAll('\\', '/');
  const [, host = '', path = '', query = ''] = /^(\/\/[^/?#]*)?([^?#]*)(.*)$/s.exec(slashes) ?? [];
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '.' && segment !== '') segments.push(segment);
  }
  const ending = /(?:^|\/)\.{0,2}$/.test(path) && segments.length > 0 ? '/' : '';
  const root = path.startsWith('/') ? '/' : '';
  return scheme.toLowerCase() + host.toLowerCase() + root + segments.join('/') + ending + query;
}
