// The last form of a message before it leaves for an upstream: what a signature covers.

/** On HTTP all members are set; on stdio `url` and `headers` are empty and changes to them have no effect. */
export interface Outbound {
  readonly transport: 'http' | 'stdio' | 'builtin';
  /** HTTP method. */
  readonly method: string;
  readonly url: string;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The exact bytes of the body, as text that is sent in UTF-8. */
  readonly body: string;
}

/** A message that the upstream turned away with 401: it has not been looked at beyond its credential (RFC 9110 §15.5.2). */
export interface Refusal {
  /** As it left. */
  readonly outbound: Outbound;
  /** The `WWW-Authenticate` of the answer. */
  readonly challenge: string | undefined;
}
