// What TLS to one upstream goes by: whom to trust, and what to show. Read from its files when it is first needed and
// again when they change; connections from then on have what is new. What cannot be used is told, and what was there
// before stays.

import type { SecureVersion } from 'node:tls';
import { messageOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { checkCertified, readCertificates } from '../lib/certificate.ts';
import { every } from '../lib/every.ts';

/** PEM texts, with the key revealed: never log this object. */
export interface TlsTexts {
  readonly ca: string | undefined;
  readonly pair: { readonly cert: string; readonly key: string } | undefined;
}

export interface UpstreamTls {
  /** Throws the system's error. */
  readonly read: () => TlsTexts;
  readonly minVersion: SecureVersion;
  readonly serverName: string | undefined;
  /** Between two looks at the files, milliseconds. */
  readonly look: number;
}

/** As `node:tls` takes them. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly minVersion: SecureVersion;
  readonly servername?: string;
}

export interface Certificates {
  /** The same object while nothing has changed. @throws Error where there is nothing that can be used */
  options(): TlsOptions;
  /** Looks at once. */
  look(): void;
  stop(): void;
}

const DAY_MS = 86_400_000;
/** From here on it is said that one runs out, once a day. */
const SOON_DAYS = 14;

/**
 * Whose figure of an upstream it is that stands: a reload has the next certificates look before those before are let
 * go, and they must not take it along.
 */
const tellers = new WeakMap<Host['metrics'], Map<string, object>>();

function tellersOf({ metrics }: Host): Map<string, object> {
  const known = tellers.get(metrics) ?? new Map<string, object>();
  tellers.set(metrics, known);
  return known;
}

export function createCertificates(upstream: string, tls: UpstreamTls, host: Host): Certificates {
  let current: { readonly texts: TlsTexts; readonly options: TlsOptions } | undefined;
  let expires: number | undefined;
  let toldAt: number | undefined;
  /** Files are written one after the other, so a fault counts if it is still there at the next look. */
  let doubt: string | undefined;
  let complaint: string | undefined;

  const take = (): void => {
    const texts = tls.read();
    if (current && same(texts, current.texts)) return;
    expires = check(texts);
    const isNew = current !== undefined;
    current = { texts, options: optionsOf(texts, tls) };
    toldAt = undefined;
    if (isNew) host.log.info('certificates renewed', { upstream, days: daysLeft() });
  };
  const daysLeft = (): number | undefined =>
    expires === undefined ? undefined : Math.floor((expires - host.now()) / DAY_MS);
  const tell = (): void => {
    const days = daysLeft();
    if (days === undefined) return;
    host.metrics.upstreamCertificateDays.set({ upstream }, days);
    tellersOf(host).set(upstream, tls);
    if (days >= SOON_DAYS || (toldAt !== undefined && host.now() - toldAt < DAY_MS)) return;
    toldAt = host.now();
    const what = days < 0 ? 'has expired' : 'runs out soon';
    host.log.warn(`the certificate that is shown to an upstream ${what}`, { upstream, days });
  };
  const look = (): void => {
    try {
      take();
      doubt = complaint = undefined;
    } catch (error) {
      const reason = messageOf(error);
      if (doubt === reason && complaint !== reason) {
        complaint = reason;
        host.log.warn('new certificates cannot be used, the old ones stay', { upstream, reason });
      }
      doubt = reason;
    }
    tell();
  };
  look();
  const endLooks = every(() => tls.look, look);
  return {
    options() {
      if (!current) take();
      if (!current) throw new Error('no certificates');
      return current.options;
    },
    look,
    stop() {
      endLooks();
      if (tellersOf(host).get(upstream) !== tls) return;
      tellersOf(host).delete(upstream);
      host.metrics.upstreamCertificateDays.remove({ upstream });
    },
  };
}

/** @returns when what is shown runs out. @throws Error that says what is wrong */
function check({ ca, pair }: TlsTexts): number | undefined {
  if (ca !== undefined) readCertificates(ca);
  if (!pair) return undefined;
  const found = checkCertified(pair);
  if ('about' in found) throw new Error(found.message);
  return found.to;
}

function optionsOf({ ca, pair }: TlsTexts, { minVersion, serverName }: UpstreamTls): TlsOptions {
  return {
    minVersion,
    ...(ca !== undefined && { ca }),
    ...pair,
    ...(serverName !== undefined && { servername: serverName }),
  };
}

function same(a: TlsTexts, b: TlsTexts): boolean {
  return a.ca === b.ca && a.pair?.cert === b.pair?.cert && a.pair?.key === b.pair?.key;
}
