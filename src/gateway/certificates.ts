// The certificates of the listeners: read at the start, and again whenever their files change. Handshakes use what is
// good; what is not is told, and what was there before stays.

import type { Config, ListenerTls, PairSource, PemSource } from '../config/schema.ts';
import { messageOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { type CertifiedKey, checkCertified, readCertificates, validityOf } from '../lib/certificate.ts';
import { every } from '../lib/every.ts';
import type { TlsMaterial } from '../listeners/tls.ts';

/** Throws the system's error. */
type ReadFile = (path: string) => string;

export interface Watching {
  /** Of the listener, in logs and figures. */
  readonly name: string;
  readonly tls: ListenerTls;
  /** What the listener has been opened with. */
  readonly material: TlsMaterial;
  /** Throws when it cannot use what it is given; then nothing has changed. */
  readonly listener: { renew(material: TlsMaterial): void };
  readonly host: Host;
  readonly readFile: ReadFile;
}

const DAY = 86_400_000;

/** @throws Error when a file cannot be read or what is in it cannot be used */
export function readMaterial(tls: ListenerTls, readFile: ReadFile): TlsMaterial {
  const text = (source: PemSource): string =>
    'path' in source ? readFile(source.path) : source.text.reveal();
  const pair = (source: PairSource): CertifiedKey => {
    const read = { cert: text(source.cert), key: text(source.key) };
    const found = checkCertified(read);
    if ('about' in found) throw new Error(found.message);
    return read;
  };
  const authorities = tls.client && text(tls.client.ca);
  if (authorities !== undefined) readCertificates(authorities);
  const names = new Map(Object.entries(tls.hosts).map(([name, source]) => [name, pair(source)]));
  return { ...pair(tls), names, authorities };
}

export interface WatchedCertificates {
  /** Reads them now. @param tls where they are named from here on, unless that stays */
  look(tls?: ListenerTls): void;
  stop(): void;
}

/** Follows the files of one listener. */
export function watchCertificates({
  name,
  tls,
  material: first,
  listener,
  host,
  readFile,
}: Watching): WatchedCertificates {
  let source = tls;
  let current = first;
  let complaint: string | undefined;
  /** Files are written one after the other, so a fault counts if it is still there at the next look. */
  let doubt: string | undefined;
  const look = (): void => {
    try {
      const material = readMaterial(source, readFile);
      doubt = complaint = undefined;
      if (textOf(material) !== textOf(current)) {
        listener.renew(material);
        current = material;
        const days = Math.floor(daysLeft(material.cert, host.now()));
        host.log.info('certificates renewed', { listener: name, days });
      }
    } catch (error) {
      const said = messageOf(error);
      if (doubt === said && complaint !== said) {
        complaint = said;
        host.log.warn('new certificates cannot be used, the old ones stay', { listener: name, reason: said });
      }
      doubt = said;
    }
    tell(name, current, host);
  };
  tell(name, current, host);
  return {
    look(next = source) {
      source = next;
      look();
    },
    stop: every(() => source.look, look),
  };
}

/** How a configuration names those of a listener that has been opened with it. */
export function tlsOf({ listeners }: Config, index: number): ListenerTls | undefined {
  const listener = listeners[index];
  return listener?.kind === 'http' ? listener.tls : undefined;
}

function textOf({ cert, key, names, authorities }: TlsMaterial): string {
  return JSON.stringify([cert, key, [...names], authorities]);
}

/** Names come from the configuration, so there are only as many rows as it has. */
function tell(listener: string, { cert, names }: TlsMaterial, { metrics, now }: Host): void {
  const all = [['', cert] as const, ...[...names].map(([name, pair]) => [name, pair.cert] as const)];
  for (const [name, pem] of all) metrics.certificateDays.set({ listener, name }, daysLeft(pem, now()));
}

function daysLeft(pem: string, now: number): number {
  const [leaf] = readCertificates(pem);
  return leaf ? (validityOf(leaf).to - now) / DAY : Number.NaN;
}
