// Who is at the other end of a connection, as the operating system and TLS know it.

export interface Peer {
  /** Its IP address. */
  readonly address?: string | undefined;
  /** Over TLS, where it has shown a certificate. */
  readonly tls?: PeerCertificate | undefined;
  /** On a Unix socket. */
  readonly credentials?:
    | { readonly uid: number; readonly gid: number; readonly pid?: number | undefined }
    | undefined;
}

export interface PeerCertificate {
  /** As `openssl x509 -subject` has it, in RFC 2253 form. */
  readonly subject: string;
  readonly issuer: string;
  /** Subject alternative names, by kind: `dns`, `uri`, `email`, `ip`. */
  readonly san: Readonly<Record<string, readonly string[]>>;
  /** SHA-256 of the certificate, lower-case hex without colons. */
  readonly fingerprint256: string;
  /** Milliseconds since the epoch. */
  readonly validTo: number;
  /** Whether it was verified against the authorities of the listener. */
  readonly authorized: boolean;
  /** The certificate itself, DER. */
  raw(): Uint8Array;
}
