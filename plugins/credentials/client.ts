// The gateway as a client of an authorization server: where its token endpoint is, how it proves itself, what it asks.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { type FetchOptions, fetchWhole, isAsSafe, RemoteFault } from '../remote/fetch.ts';
import { faultOf, TokenFault } from './faults.ts';
import type { ClientCredentials, Redeem } from './options.ts';

/** A token as it was given. */
export interface Given {
  readonly value: string;
  /** Seconds, where the server says so. */
  readonly lifetime: number | undefined;
}

export interface TokenClient {
  /** Finds out where the token endpoint is. @throws TokenFault */
  find(): Promise<void>;
  /** @throws TokenFault */
  ask(grant: string, parameters: Readonly<Record<string, string>>): Promise<Given>;
}

type ClientOptions = Omit<ClientCredentials, 'header' | 'prefix'> | Redeem;

/** Most bytes of an answer of an authorization server. */
const MOST_BYTES = 262_144;

/**
 * @param timeout longest wait for each of its answers, milliseconds
 * @throws Error when the key cannot be used
 */
export async function createClient(options: ClientOptions, timeout: number): Promise<TokenClient> {
  const auth = await authOf(options);
  const { client_id, ca, tls: own } = options;
  const limits: FetchOptions = { timeout, bytes: MOST_BYTES, ca, own };
  const client: oauth.Client = { client_id, use_mtls_endpoint_aliases: own !== undefined };
  let known: Promise<oauth.AuthorizationServer> | undefined;
  /** Asked for once; again when what it named does not work. */
  const server = (): Promise<oauth.AuthorizationServer> => {
    known ??= serverOf(options, limits).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
  return {
    async find() {
      await server().catch((error: unknown) => {
        throw faultFrom(error, false);
      });
    },
    async ask(grant, parameters) {
      const isCallers = 'subject_token' in parameters || 'assertion' in parameters;
      try {
        const as = await server();
        const response = await oauth.genericTokenEndpointRequest(
          as,
          client,
          auth,
          grant,
          formOf(options, parameters),
          // Whether an address may be used is said by `isSafeUrl`, at the configuration and before each request.
          { [oauth.customFetch]: sender(limits), [oauth.allowInsecureRequests]: true },
        );
        return await read(as, client, response, isCallers);
      } catch (error) {
        if (!(error instanceof TokenFault) || error.kind === 'odd') known = undefined;
        throw faultFrom(error, isCallers);
      }
    },
  };
}

async function serverOf(
  { issuer, token_url }: ClientOptions,
  limits: FetchOptions,
): Promise<oauth.AuthorizationServer> {
  if (token_url !== undefined) return { issuer: issuer ?? token_url, token_endpoint: token_url };
  const url = new URL(issuer ?? '');
  const ask = (algorithm: 'oidc' | 'oauth2'): Promise<Response> =>
    oauth.discoveryRequest(url, {
      algorithm,
      [oauth.customFetch]: sender(limits),
      [oauth.allowInsecureRequests]: true,
    });
  let response = await ask('oidc');
  if (response.status === 404) response = await ask('oauth2');
  if (response.status >= 500 || response.status === 429) throw troubled(response);
  const as = await oauth.processDiscoveryResponse(url, response);
  if (as.token_endpoint === undefined || !isAsSafe(as.token_endpoint, url.href))
    throw new TokenFault('odd', 'names no token endpoint that could be used');
  return as;
}

/** How the library reaches a server: within limits, and never where a redirect leads. */
function sender(limits: FetchOptions) {
  return (url: string, { method, headers, body }: { method: string; headers: object; body?: unknown }) =>
    fetchWhole(
      url,
      {
        method,
        headers: headers as Record<string, string>,
        ...(body instanceof URLSearchParams && { body: body.toString() }),
      },
      limits,
    );
}

function formOf(
  { scopes, resource, audience, parameters: more }: ClientOptions,
  parameters: Readonly<Record<string, string>>,
): URLSearchParams {
  const form = new URLSearchParams({ ...more, ...parameters });
  if (scopes.length > 0) form.set('scope', scopes.join(' '));
  for (const each of resource ?? []) form.append('resource', each);
  for (const each of audience ?? []) form.append('audience', each);
  return form;
}

async function read(
  as: oauth.AuthorizationServer,
  client: oauth.Client,
  response: Response,
  isCallers: boolean,
): Promise<Given> {
  const { status, headers } = response;
  if (status >= 500 || status === 429) throw troubled(response);
  const said = textsOf(await response.text());
  if (typeof said?.error === 'string') throw faultOf(said.error, textOr(said.error_description), isCallers);
  if (status !== 200 || said === undefined) throw new TokenFault('odd', `answers ${status} without a token`);
  // Nobody here reads who the token says its subject is: that is for the upstream to verify.
  const { id_token: _, ...told } = said;
  const bare = new Response(JSON.stringify(told), { status, headers });
  const token = await oauth.processGenericTokenEndpointResponse(as, client, bare, {
    // What is no access token has no type (RFC 8693 §2.2.1).
    recognizedTokenTypes: { n_a: () => {} },
  });
  if (token.token_type === 'dpop')
    throw new TokenFault('refused', 'gives a token that is bound to a key (DPoP)');
  if (!/^[\x21-\x7e]+$/.test(token.access_token))
    throw new TokenFault('odd', 'gives a token no header can carry');
  return { value: token.access_token, lifetime: token.expires_in };
}

function textsOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

const textOr = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The server says that it cannot for now. */
function troubled({ status, headers }: Response): TokenFault {
  const after = headers.get('retry-after');
  const wait = after !== null && /^\d{1,6}$/.test(after) ? Number(after) * 1_000 : undefined;
  return new TokenFault('away', `answers ${status}`, undefined, wait);
}

function faultFrom(error: unknown, isCallers: boolean): TokenFault {
  if (error instanceof TokenFault) return error;
  if (error instanceof RemoteFault) return new TokenFault('away', `cannot be used: ${error.message}`);
  if (error instanceof oauth.ResponseBodyError)
    return faultOf(error.error, error.error_description, isCallers);
  // The library says what is wrong in words of its own, without values.
  return new TokenFault(
    'odd',
    `does not answer as one should: ${error instanceof Error ? error.message : 'unknown'}`,
  );
}

async function authOf(options: ClientOptions): Promise<oauth.ClientAuth> {
  const { client_secret: secret, private_key, auth } = options;
  if (private_key !== undefined) return signerOf(options, private_key);
  if (secret === undefined) return oauth.TlsClientAuth();
  return auth === 'client_secret_post' ? oauth.ClientSecretPost(secret) : oauth.ClientSecretBasic(secret);
}

async function signerOf(options: ClientOptions, pem: string): Promise<oauth.ClientAuth> {
  const { key_id, certificate, assertion_audience, issuer } = options;
  const key = await importKey(pem, options.algorithm);
  const prints = certificate === undefined ? {} : thumbprints(certificate);
  return oauth.PrivateKeyJwt(key_id === undefined ? { key } : { key, kid: key_id }, {
    [oauth.modifyAssertion](header, payload) {
      Object.assign(header, prints);
      // The name under which servers know it (RFC 8037); the library writes that of RFC 9864.
      if (header.alg === 'Ed25519') header.alg = 'EdDSA';
      if (assertion_audience !== undefined) payload.aud = assertion_audience;
      else if (issuer !== undefined) payload.aud = issuer;
    },
  });
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

async function importKey(pem: string, wanted: ClientOptions['algorithm']): Promise<oauth.CryptoKey> {
  const key = createPrivateKey(pem);
  const kind = key.asymmetricKeyType;
  const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? '';
  const algorithm =
    kind === 'rsa'
      ? { name: wanted === 'PS256' ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
      : kind === 'ec'
        ? { name: 'ECDSA', namedCurve: curve }
        : { name: 'Ed25519' };
  const bytes = key.export({ type: 'pkcs8', format: 'der' });
  return crypto.subtle.importKey('pkcs8', new Uint8Array(bytes), algorithm, false, ['sign']);
}

/** By which Entra finds the certificate. */
function thumbprints(pem: string): Record<string, string> {
  const { raw } = new X509Certificate(pem);
  const print = (hash: 'sha1' | 'sha256'): string =>
    Buffer.from(new Bun.CryptoHasher(hash).update(raw).digest()).toString('base64url');
  return { x5t: print('sha1'), 'x5t#S256': print('sha256') };
}
