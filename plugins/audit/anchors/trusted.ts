// Whether a certificate that came with a time stamp may sign some, by authorities that are given.

import { X509Certificate } from 'node:crypto';
import { AsnParser } from '@peculiar/asn1-schema';
import { Certificate } from '@peculiar/asn1-x509';

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const [EXTENDED_KEY_USAGE, TIME_STAMPING] = ['2.5.29.37', '1.3.6.1.5.5.7.3.8'];

/** Certificates between the one that signed and an authority, at the most. */
const DEEPEST = 5;

export const certificatesOf = (pem: string): X509Certificate[] =>
  (pem.match(BLOCK) ?? []).map((each) => new X509Certificate(each));

/** It is for time stamps and nothing else, and says so in a way that nobody may overlook (RFC 3161 §2.3). */
export function isForTimeStamps(certificate: X509Certificate): boolean {
  const { tbsCertificate } = AsnParser.parse(certificate.raw, Certificate);
  const usage = tbsCertificate.extensions?.find(({ extnID }) => extnID === EXTENDED_KEY_USAGE);
  const uses = certificate.keyUsage ?? [];
  return usage?.critical === true && uses.length === 1 && uses[0] === TIME_STAMPING;
}

/**
 * Whether it is one of the authorities', or there is a way to one over others that came with it, all valid at the time.
 * @param at milliseconds since the epoch
 */
export function isVouchedFor(
  certificate: X509Certificate,
  others: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  at: number,
  depth = 0,
): boolean {
  if (!isValidAt(certificate, at) || depth > DEEPEST) return false;
  if (authorities.some(({ raw }) => raw.equals(certificate.raw))) return true;
  if (authorities.some((each) => isValidAt(each, at) && isIssued(certificate, each))) return true;
  return others.some(
    (each) =>
      each.ca && isIssued(certificate, each) && isVouchedFor(each, others, authorities, at, depth + 1),
  );
}

function isIssued(certificate: X509Certificate, by: X509Certificate): boolean {
  return certificate.checkIssued(by) && certificate.verify(by.publicKey);
}

function isValidAt({ validFrom, validTo }: X509Certificate, at: number): boolean {
  return Date.parse(validFrom) <= at && at <= Date.parse(validTo);
}
