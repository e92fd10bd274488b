// Relations between listeners: one kind each, different addresses, none open to others without authentication.
// Opens nothing.
import { anyOf } from '../../lib/glob.ts';
import type { JsonObject, JsonValue } from '../../protocol/values.ts';
import type { PlacedProblem } from '../issues.ts';
import { formatListen, isLocal, type ListenAddress, parseListen } from '../listen.ts';
import type { Path } from '../schema.ts';
import { asList, asMap, isMap } from './guess.ts';

const HTTP_PRESET = '127.0.0.1:7420';
const ADMIN_PRESET = '127.0.0.1:7421';

interface Placed {
  readonly path: Path;
  readonly address: ListenAddress;
}

export function listenerProblems(tree: JsonObject): PlacedProblem[] {
  const listeners = tree.listeners === undefined ? [{ http: {} }] : asList(tree.listeners);
  const http = listeners.flatMap((listener, index) => httpAddress(listener, ['listeners', index, 'http']));
  const admin = placed(asMap(tree.admin).listen ?? ADMIN_PRESET, ['admin', 'listen']);
  return [
    ...listeners.flatMap((listener, index) => (isMap(listener) ? shape(listener, ['listeners', index]) : [])),
    ...secondStdio(listeners),
    ...duplicates([...admin, ...http]),
    ...http.filter(({ address }) => !isLocal(address) && !isGuarded(tree)).map(unsafe),
    ...listeners.flatMap((listener, index) => plain(listener, ['listeners', index, 'http'])),
    ...listeners.flatMap((each, index) => nameless(each, ['listeners', index, 'http'], boundToUrl(tree))),
    ...admin.filter(({ address }) => !isLocal(address)).map(unsafeAdmin),
  ];
}

/** Whether every message passes an auth plugin that asks who it is from. */
export function isGuarded(tree: JsonObject): boolean {
  const endpoints = tree.endpoints === undefined ? ['/mcp'] : Object.keys(asMap(tree.endpoints));
  const guards = asList(tree.pipeline).flatMap(guarded);
  return endpoints.every((endpoint) => guards.some((isFor) => isFor(endpoint)));
}

/** For which endpoints an entry of the pipeline lets nobody pass that it does not know. */
function guarded(entry: JsonValue): ((endpoint: string) => boolean)[] {
  if (entry === 'auth') return [() => true];
  const { auth, when, mode = 'enforce', on_error: onError = 'refuse' } = asMap(entry);
  if (auth === undefined || mode !== 'enforce' || onError !== 'refuse' || isOpen(auth)) return [];
  if (when === undefined) return [() => true];
  const { endpoints, ...others } = asMap(when);
  const patterns = asList(endpoints).filter((pattern) => typeof pattern === 'string');
  return Object.keys(others).length === 0 ? [anyOf(patterns) ?? (() => false)] : [];
}

/** Whether callers without a credential pass, and nobody has said that they are meant to from everywhere. */
function isOpen(auth: JsonValue): boolean {
  const { anonymous = false } = asMap(auth);
  return anonymous !== false && asMap(anonymous).public !== true;
}

/** What is only good for the URL of the endpoint it is sent to. */
interface BoundToUrl {
  readonly tokens: boolean;
  readonly proofs: boolean;
}

function boundToUrl(tree: JsonObject): BoundToUrl {
  const entries = asList(tree.pipeline).map(asMap);
  const auths = entries.filter(({ mode }) => mode !== 'off').map(({ auth }) => asMap(auth));
  const issuers = auths.flatMap(({ issuers }) => asList(issuers).filter(isMap));
  return {
    tokens: issuers.some(({ audiences }) => audiences === undefined),
    proofs:
      auths.some(({ signatures, dpop }) => isMap(signatures) || isMap(dpop)) ||
      issuers.some(({ dpop }) => dpop === 'required'),
  };
}

/** An address that no client knows the listener by: all interfaces, or a socket file. */
function nameless(listener: JsonValue, path: Path, { tokens, proofs }: BoundToUrl): PlacedProblem[] {
  const [at] = httpAddress(listener, path);
  if (at === undefined || asMap(asMap(listener).http).url !== undefined) return [];
  const { address } = at;
  const isAll = address.kind === 'tcp' && /^(?:0\.0\.0\.0|::)$/.test(address.host);
  // Who is on a socket file may prove himself by being there.
  if (!isAll && !(address.kind === 'unix' && tokens)) return [];
  const what = [...(tokens ? ['tokens'] : []), ...(proofs ? ['signatures and proofs'] : [])];
  if (what.length === 0) return [];
  const message = `${what.join(', ')} are for the URL of their endpoint, and this address is none`;
  const hint = 'add how clients know it: url: https://mcp.example.com';
  return [{ path: at.path, code: 'LISTEN_URL', message, hint }];
}

/** An address of others, without TLS and without a word about it. */
function plain(listener: JsonValue, path: Path): PlacedProblem[] {
  const [at] = httpAddress(listener, path);
  if (at === undefined || isLocal(at.address) || asMap(asMap(listener).http).tls !== undefined) return [];
  const message = 'what is sent to this address could be read and changed on its way, tokens included';
  const hint = 'add tls: { cert: …, key: … }, or tls: off where something in front ends TLS';
  return [{ path: at.path, code: 'LISTEN_PLAIN', message, hint }];
}

function httpAddress(listener: JsonValue, path: Path): Placed[] {
  const { http } = asMap(listener);
  if (http === undefined || (http !== null && !isMap(http))) return [];
  return placed(asMap(http).listen ?? HTTP_PRESET, [...path, 'listen']);
}

/** Nothing for a text that is no address: the schema reports that. */
function placed(text: JsonValue, path: Path): Placed[] {
  const address = typeof text === 'string' ? parseListen(text) : undefined;
  return address !== undefined && 'kind' in address ? [{ path, address }] : [];
}

function shape(listener: JsonObject, path: Path): PlacedProblem[] {
  const { http, stdio } = listener;
  if (http !== undefined && stdio !== undefined) {
    const hint = 'begin a new "- " line for stdio';
    return [
      {
        path: [...path, 'stdio'],
        code: 'LISTENER_KIND',
        message: 'a listener is either http or stdio',
        hint,
        on: 'key',
      },
    ];
  }
  if (http === undefined && stdio === undefined && Object.keys(listener).length === 0) {
    return [
      {
        path,
        code: 'LISTENER_KIND',
        message: 'a listener is either http or stdio',
        hint: 'write - http: {}',
      },
    ];
  }
  const address = httpAddress(listener, [])[0]?.address;
  if (address?.kind !== 'tcp' || asMap(http).mode === undefined) return [];
  const hint = 'remove it, or listen on unix:/path';
  return [
    {
      path: [...path, 'http', 'mode'],
      code: 'VALUE_INVALID',
      message: 'only a socket file has a mode',
      hint,
      on: 'key',
    },
  ];
}

function secondStdio(listeners: readonly JsonValue[]): PlacedProblem[] {
  return listeners
    .flatMap((listener, index) => ('stdio' in asMap(listener) && !('http' in asMap(listener)) ? [index] : []))
    .slice(1)
    .map((index) => ({
      path: ['listeners', index, 'stdio'],
      code: 'LISTEN_DUPLICATE',
      message: 'stdio stands above already',
      on: 'key',
    }));
}

function duplicates(all: readonly Placed[]): PlacedProblem[] {
  const seen = new Set<string>();
  return all.flatMap(({ path, address }): PlacedProblem[] => {
    const text = formatListen(address).toLowerCase();
    const free = address.kind === 'tcp' && address.port === 0;
    if (free || !seen.has(text)) {
      seen.add(text);
      return [];
    }
    const message = 'another listener has this address, admin included';
    return [{ path, code: 'LISTEN_DUPLICATE', message, hint: 'choose another port' }];
  });
}

function unsafe({ path }: Placed): PlacedProblem {
  const message = 'other machines could use every upstream, and nothing asks who they are';
  const hint = 'put `auth` into the pipeline, for every endpoint, or listen on 127.0.0.1 or a socket file';
  return { path, code: 'LISTEN_UNSAFE', message, hint };
}

function unsafeAdmin({ path }: Placed): PlacedProblem {
  const message = 'the admin listener has no authentication and stays on this machine';
  return { path, code: 'LISTEN_UNSAFE', message, hint: 'listen on 127.0.0.1' };
}
