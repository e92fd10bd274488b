// Why a TLS connection to an upstream is not made: a name that stays, and words for whoever has to mend it.

export interface TlsReason {
  /** `data.reason` of the error. Names never change their meaning. */
  readonly name: `tls_${string}`;
  readonly says: string;
}

const expired: TlsReason = { name: 'tls_expired', says: 'its certificate has expired' };
const early: TlsReason = { name: 'tls_not_yet_valid', says: 'its certificate is not valid yet' };
const otherHost: TlsReason = { name: 'tls_wrong_host', says: 'its certificate is for another host' };
const selfSigned: TlsReason = { name: 'tls_self_signed', says: 'its certificate vouches for itself' };
const untrusted: TlsReason = {
  name: 'tls_untrusted',
  says: 'its certificate is from an authority that is not trusted here',
};
const revoked: TlsReason = { name: 'tls_revoked', says: 'its certificate is revoked' };
const version: TlsReason = { name: 'tls_version', says: 'it speaks no version of TLS that is taken here' };
const clientCertificate: TlsReason = {
  name: 'tls_client_certificate',
  says: 'it wants a certificate of the gateway, which has none that it takes',
};
const handshake: TlsReason = { name: 'tls_handshake', says: 'the TLS handshake failed' };

/** By the codes of the runtime (Bun 1.4.5), which are those of OpenSSL and BoringSSL. */
const REASONS: Readonly<Record<string, TlsReason>> = {
  CERT_HAS_EXPIRED: expired,
  CERT_NOT_YET_VALID: early,
  ERR_TLS_CERT_ALTNAME_INVALID: otherHost,
  HOSTNAME_MISMATCH: otherHost,
  DEPTH_ZERO_SELF_SIGNED_CERT: selfSigned,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  CERT_UNTRUSTED: untrusted,
  CERT_REVOKED: revoked,
  ERR_SSL_UNSUPPORTED_PROTOCOL: version,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: version,
  ERR_SSL_TLSV1_ALERT_CERTIFICATE_REQUIRED: clientCertificate,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: clientCertificate,
  ERR_SSL_SSLV3_ALERT_NO_CERTIFICATE: clientCertificate,
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: clientCertificate,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: clientCertificate,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: clientCertificate,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: clientCertificate,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: clientCertificate,
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: clientCertificate,
};

/** @returns undefined for an error that is not about TLS */
export function tlsReason(error: unknown): TlsReason | undefined {
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return undefined;
  return REASONS[code] ?? (/^(?:ERR_SSL_|ERR_TLS_|CERT_)/.test(code) ? handshake : undefined);
}
