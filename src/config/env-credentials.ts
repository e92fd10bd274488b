// A key and a secret from the environment, for the upstream that it names: a header, or, where there is a secret, an
// entry of the plugin that signs. Reads the files that stand in for them and nothing else.
import { resolve } from 'node:path';
import type { JsonValue } from '../protocol/values.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { Overlay } from './document.ts';
import { resolveReference, type World } from './interpolate.ts';
import { asList, asMap } from './relations/guess.ts';
import type { Path } from './schema.ts';

/** The upstream that the environment names. */
export const UPSTREAM = ['upstreams', 'upstream'] as const;

/** What signs with a key and a secret that are texts. */
const SCHEMES = {
  'hmac-v1': { key: 'id', secret: 'secret' },
  'api-key': { key: 'api_key', secret: 'api_secret' },
} as const;
const SIGNS = 'signing';

export const CREDENTIALS = {
  MCP_API_KEY:
    'Sent to that upstream as the header `X-API-Key`; with `MCP_API_SECRET` the id of the key that signs.',
  MCP_API_SECRET: 'Signs what is sent to it, by the plugin [signing](plugins/signing.md).',
  MCP_API_KEY_FILE: 'A file that has the key instead; read anew when it changes.',
  MCP_API_SECRET_FILE: 'A file that has the secret instead; read anew when it changes.',
  MCP_SIGNING_SCHEME: 'How: `hmac-v1` unless set, or `api-key`, which sends both as headers.',
} as const;

export type About = (variable: string, code: Diagnostic['code'], message: string, hint: string) => Diagnostic;

export interface Credentials {
  readonly overlays: readonly Overlay[];
  readonly diagnostics: readonly Diagnostic[];
}

/** A value, and how it may be shown. */
interface Given {
  readonly variable: string;
  readonly value: string;
  readonly shown: string;
}

/** What the variables put into `tree`, and what is wrong with them before validation. */
export function readCredentials(tree: JsonValue, world: World, about: About): Credentials {
  const key = given('MCP_API_KEY', world, about);
  const secret = given('MCP_API_SECRET', world, about);
  const scheme = world.env.MCP_SIGNING_SCHEME || undefined;
  const refused = (...diagnostics: Diagnostic[]): Credentials => ({ overlays: [], diagnostics });
  const faults = [key, secret].filter((each) => each !== undefined && 'severity' in each);
  if (faults.length > 0) return refused(...faults);
  if (isGiven(key) && isGiven(secret)) return signing(tree, key, secret, scheme, about);
  const [lone] = isGiven(secret) ? [secret.variable] : scheme ? ['MCP_SIGNING_SCHEME'] : [];
  if (lone !== undefined) {
    const missing = isGiven(secret)
      ? 'MCP_API_KEY'
      : isGiven(key)
        ? 'MCP_API_SECRET'
        : 'MCP_API_KEY and MCP_API_SECRET';
    return refused(
      about(lone, 'ENV_INCOMPLETE', 'nothing can be signed with it alone', `set ${missing} too`),
    );
  }
  if (!isGiven(key)) return refused();
  const { variable, value, shown } = key;
  return { overlays: [{ path: headerPath(tree), value, variable, shown }], diagnostics: [] };
}

function isGiven(given: Given | Diagnostic | undefined): given is Given {
  return given !== undefined && 'value' in given;
}

/** A variable, or the file that another one names. */
function given(variable: string, world: World, about: About): Given | Diagnostic | undefined {
  const byFile = `${variable}_FILE`;
  const [value, path] = [world.env[variable], world.env[byFile]];
  if (value && path)
    return about(byFile, 'ENV_INCOMPLETE', `${variable} is set as well`, 'unset one of the two');
  if (value) return { variable, value, shown: `\${env:${variable}}` };
  if (!path) return undefined;
  const written = `\${file:${path}}`;
  const read = resolveReference(
    { kind: 'file', name: resolve(world.baseDir, path), preset: undefined, written },
    world,
  );
  if (!('value' in read)) return about(byFile, read.code, read.message, 'check the path and its rights');
  if (read.value === '')
    return about(byFile, 'FILE_UNREADABLE', `"${path}" is empty`, 'write the value into it');
  return { variable: byFile, value: read.value, shown: written };
}

/** The key ring of the entry that signs: that of the file, or one at the end, next to what is sent. */
function signing(
  tree: JsonValue,
  key: Given,
  secret: Given,
  named: string | undefined,
  about: About,
): Credentials {
  const entries = asList(asMap(asMap(asMap(tree).upstreams).upstream).pipeline);
  const found = entries.findIndex((entry) => entry === SIGNS || Object.hasOwn(asMap(entry), SIGNS));
  const at = found < 0 ? entries.length : found;
  const { scheme: written } = asMap(asMap(entries[at])[SIGNS]);
  const scheme = named ?? (typeof written === 'string' ? written : 'hmac-v1');
  if (!isKnown(scheme)) {
    const known = Object.keys(SCHEMES).join(' or ');
    const [variable, hint] =
      named === undefined
        ? [secret.variable, `unset it, or sign by ${known}`]
        : ['MCP_SIGNING_SCHEME', `write ${known}; others are for a file`];
    const message = `the scheme "${scheme}" does not sign with a key and a secret that are texts`;
    return { overlays: [], diagnostics: [about(variable, 'ENV_UNSUPPORTED', message, hint)] };
  }
  const options: Path = [...UPSTREAM, 'pipeline', at, SIGNS];
  const { variable } = secret;
  const fields = SCHEMES[scheme];
  const part = ({ value, variable, shown }: Given, field: string): Overlay => ({
    path: [...options, 'keys', 0, field],
    value,
    variable,
    shown,
  });
  const overlays: Overlay[] = [
    {
      path: [...options, 'scheme'],
      value: scheme,
      shown: scheme,
      variable: named ? 'MCP_SIGNING_SCHEME' : variable,
    },
    // The ring as a whole: what is set wins over all keys of the file.
    { path: [...options, 'keys'], value: [], shown: [], variable },
    part(key, fields.key),
    part(secret, fields.secret),
  ];
  return { overlays, diagnostics: [] };
}

function isKnown(scheme: string): scheme is keyof typeof SCHEMES {
  return Object.hasOwn(SCHEMES, scheme);
}

/** A header of the file with the same name in other letters is the same header. */
function headerPath(tree: JsonValue): Path {
  const headers = asMap(asMap(asMap(asMap(tree).upstreams).upstream).headers);
  const existing = Object.keys(headers).find((name) => name.toLowerCase() === 'x-api-key');
  return [...UPSTREAM, 'headers', existing ?? 'X-API-Key'];
}
