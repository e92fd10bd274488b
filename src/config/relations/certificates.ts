// Certificates and keys that the configuration names: whether they can be read, belong together and are valid.
import { resolve } from 'node:path';
import { checkCertified, readCertificates } from '../../lib/certificate.ts';
import type { JsonObject, JsonValue } from '../../protocol/values.ts';
import { reason } from '../interpolate.ts';
import type { PlacedProblem } from '../issues.ts';
import { isPem } from '../pem-source.ts';
import type { Path } from '../schema.ts';
import { asList, asMap, isMap } from './guess.ts';

interface World {
  /** Text of a file by its absolute path; throws when it cannot be read. */
  readonly readFile: (path: string) => string;
  readonly baseDir: string;
}

export function certificateProblems(tree: JsonObject, world: World): PlacedProblem[] {
  return [...listenerProblems(tree, world), ...upstreamProblems(tree, world)];
}

function upstreamProblems(tree: JsonObject, world: World): PlacedProblem[] {
  return Object.entries(asMap(tree.upstreams)).flatMap(([name, upstream]) => {
    const { tls, url, urls } = asMap(upstream);
    if (!isMap(tls)) return [];
    const path: Path = ['upstreams', name, 'tls'];
    return [
      ...plainProblems([url, ...asList(urls)], path),
      ...halfProblems(tls, path),
      ...pairProblems(tls, path, world),
      ...authorityProblems(tls.ca, [...path, 'ca'], world),
    ];
  });
}

function plainProblems(urls: readonly (JsonValue | undefined)[], path: Path): PlacedProblem[] {
  const plain = urls.find((url) => typeof url === 'string' && /^http:/i.test(url));
  if (plain === undefined) return [];
  const message = `"tls" goes with https:, and this upstream has ${String(plain).split('/', 3).join('/')}`;
  const hint = 'write https: in its url, or remove "tls"';
  return [{ path, code: 'UPSTREAM_FIELD', message, hint, on: 'key' }];
}

function halfProblems({ cert, key }: JsonObject, path: Path): PlacedProblem[] {
  if ((cert === undefined) === (key === undefined)) return [];
  const [there, missing] = cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
  const message = `"${there}" without "${missing}"`;
  return [
    { path: [...path, there], code: 'CERTIFICATE_INVALID', message, hint: `add ${missing}`, on: 'key' },
  ];
}

function listenerProblems(tree: JsonObject, world: World): PlacedProblem[] {
  return asList(tree.listeners).flatMap((listener, index) => {
    const path: Path = ['listeners', index, 'http', 'tls'];
    const tls = asMap(asMap(asMap(listener).http).tls);
    const hosts = Object.entries(asMap(tls.hosts));
    return [
      ...pairProblems(tls, path, world),
      ...hosts.flatMap(([name, pair]) => pairProblems(asMap(pair), [...path, 'hosts', name], world)),
      ...authorityProblems(asMap(tls.client).ca, [...path, 'client', 'ca'], world),
    ];
  });
}

function pairProblems({ cert, key }: JsonObject, path: Path, world: World): PlacedProblem[] {
  if (typeof cert !== 'string' || typeof key !== 'string') return [];
  const texts = { cert: read(cert, [...path, 'cert'], world), key: read(key, [...path, 'key'], world) };
  const unread = Object.values(texts).filter((text) => typeof text !== 'string');
  if (typeof texts.cert !== 'string' || typeof texts.key !== 'string') return unread;
  const found = checkCertified({ cert: texts.cert, key: texts.key });
  if ('about' in found)
    return [{ path: [...path, found.about], code: 'CERTIFICATE_INVALID', message: found.message }];
  const now = Date.now();
  if (found.from <= now && now < found.to) return [];
  const [word, at] = now < found.to ? ['is not valid before', found.from] : ['expired on', found.to];
  const message = `the certificate ${word} ${new Date(at).toISOString().slice(0, 10)}`;
  return [{ path: [...path, 'cert'], code: 'CERTIFICATE_EXPIRED', message, severity: 'warning' }];
}

function authorityProblems(ca: JsonValue | undefined, path: Path, world: World): PlacedProblem[] {
  if (typeof ca !== 'string') return [];
  const text = read(ca, path, world);
  if (typeof text !== 'string') return [text];
  try {
    readCertificates(text);
    return [];
  } catch (error) {
    return [{ path, code: 'CERTIFICATE_INVALID', message: (error as Error).message }];
  }
}

function read(written: string, path: Path, { readFile, baseDir }: World): string | PlacedProblem {
  if (isPem(written)) return written;
  try {
    return readFile(resolve(baseDir, written));
  } catch (error) {
    return { path, code: 'FILE_UNREADABLE', message: `cannot read "${written}": ${reason(error)}` };
  }
}
