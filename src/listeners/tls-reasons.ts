// Why a handshake failed, as one of a few words: a figure must not have as many rows as a stranger can think of.

const REASONS: readonly [reason: string, codes: RegExp][] = [
  ['timeout', /HANDSHAKE_TIMEOUT/],
  ['not_tls', /HTTP_REQUEST|HTTPS_PROXY_REQUEST|WRONG_VERSION_NUMBER|UNEXPECTED_MESSAGE|UNEXPECTED_RECORD/],
  ['no_certificate', /PEER_DID_NOT_RETURN_A_CERTIFICATE/],
  ['version', /UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION/],
  ['cipher', /NO_SHARED_CIPHER|NO_SHARED_GROUP|NO_COMMON_SIGNATURE_ALGORITHMS/],
  ['protocol', /NO_APPLICATION_PROTOCOL/],
  ['refused', /_ALERT_/],
  ['expired', /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/],
  ['certificate', /CERT|SELF_SIGNED|UNABLE_TO|ISSUER|INVALID_PURPOSE|INVALID_CA|PATH_LENGTH/],
  ['disconnected', /ECONNRESET|EPIPE|ECONNABORTED/],
];

/** `refused`: by the client, which sent an alert. */
export function tlsReason({ code = '' }: { readonly code?: string | undefined }): string {
  return REASONS.find(([, codes]) => codes.test(code))?.[0] ?? 'other';
}
