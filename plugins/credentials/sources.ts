// What goes out for whom: the closest entry of the list for the caller, else what is for everybody. Never another's.

import { createHash } from 'node:crypto';
import { type CallerToken, identityKey, type Principal } from '../../src/plugin.ts';
import { createClient, type TokenClient } from './client.ts';
import { TokenFault } from './faults.ts';
import type { Options, Source, TokenExchange } from './options.ts';
import type { Asking } from './tokens.ts';

/** Where one credential comes from. */
export interface Origin {
  /** Headers that are always the same. */
  readonly headers: Readonly<Record<string, string>>;
  readonly token: TokenOrigin | undefined;
}

export interface TokenOrigin {
  readonly header: string;
  readonly prefix: string;
  /** Whether it needs a caller's token. */
  readonly isForCaller: boolean;
  /** @returns nothing where it takes a caller's token, and there is none that it takes */
  asking(principal: Principal, token: CallerToken | undefined): Asking | undefined;
}

/** @returns undefined when there is nothing for this one */
export type Choose = (principal: Principal) => Origin | undefined;

export interface Origins {
  readonly choose: Choose;
  /** For everybody who has no entry, and for the gateway itself. */
  readonly common: Origin | undefined;
}

/** @throws Error when a key cannot be used */
export async function originsOf(options: Options): Promise<Origins> {
  const make = (source: Source, name: string): Promise<Origin> =>
    originOf(source, name, options.token_timeout);
  const isThere = (options.headers ?? options.client_credentials ?? options.token_exchange) !== undefined;
  const common = isThere ? await make(options, 'all') : undefined;
  const own = new Map<string, Origin>();
  for (const [at, each] of options.callers.entries())
    own.set(nameOf(each.tenant, each.principal), await make(each, String(at)));
  return {
    common,
    choose: ({ id, tenant }) =>
      own.get(nameOf(tenant, id)) ??
      (tenant === undefined ? undefined : own.get(nameOf(tenant, undefined))) ??
      common,
  };
}

const nameOf = (tenant: string | undefined, principal: string | undefined): string =>
  JSON.stringify([tenant ?? null, principal ?? null]);

async function originOf(source: Source, name: string, timeout: number): Promise<Origin> {
  const { headers = {}, client_credentials: own, token_exchange: exchange } = source;
  if (own) {
    const client = await createClient(own, timeout);
    const asking: Asking = { key: `${name} own`, ask: () => client.ask('client_credentials', {}) };
    const { header, prefix } = own;
    return { headers, token: { header, prefix, isForCaller: false, asking: () => asking } };
  }
  return { headers, token: exchange && (await exchanging(exchange, name, timeout)) };
}

async function exchanging(exchange: TokenExchange, name: string, timeout: number): Promise<TokenOrigin> {
  const { header, prefix, redeem, issuer, subject_issuers = [issuer] } = exchange;
  const client = await createClient(exchange, timeout);
  const second = redeem && (await createClient(redeem, timeout));
  return {
    header,
    prefix,
    isForCaller: true,
    asking(principal, token) {
      // An API key is nothing to exchange, and one server's token nothing to show to another.
      if (!token?.type.startsWith(TOKEN_TYPE) || !subject_issuers.includes(token.issuer)) return undefined;
      // Two tokens of one caller may be good for different things, and so is what is got for them.
      const subject = createHash('sha256').update(token.token).digest('base64url');
      return {
        key: JSON.stringify([name, identityKey(principal), subject]),
        until: principal.expires,
        ask: () => exchanged(exchange, token, client, second),
      };
    },
  };
}

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';

async function exchanged(
  { grant, subject_token_type, requested_token_type }: TokenExchange,
  { token, type }: CallerToken,
  client: TokenClient,
  second: TokenClient | undefined,
) {
  const requested = requested_token_type === undefined ? {} : { requested_token_type };
  const got =
    grant === 'jwt-bearer'
      ? await client.ask(JWT_BEARER, { assertion: token, ...requested })
      : await client.ask(TOKEN_EXCHANGE, {
          subject_token: token,
          subject_token_type: subject_token_type ?? type,
          ...requested,
        });
  if (got.value === token) throw new TokenFault('odd', "gives the caller's own token back");
  return second ? second.ask(JWT_BEARER, { assertion: got.value }) : got;
}
