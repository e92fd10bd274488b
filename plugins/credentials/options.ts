// The options of the plugin: where a credential comes from, for everybody and for single tenants and principals.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { duration, z } from '../../src/plugin.ts';
import { authorities } from '../remote/authorities.ts';
import { isSafeUrl } from '../remote/fetch.ts';
import { forwardName, headerName, headerValues } from './names.ts';

const ADDRESS = 'write an https URL, or http with localhost, 127.0.0.1 or [::1]';
const address = (description: string) => z.string().refine(isSafeUrl, ADDRESS).meta({ description });
const someOf = (description: string) =>
  z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .meta({ description })
    .transform((value) => (typeof value === 'string' ? [value] : value));

/** Parameters that have an option of their own, or that nobody may set. */
const RESERVED = [
  'grant_type',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'scope',
  'resource',
  'audience',
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'assertion',
];

const clientFields = {
  issuer: address(
    'The authorization server. Where its token endpoint is, it is asked once: at `/.well-known/openid-configuration`, else at `/.well-known/oauth-authorization-server`.',
  ).optional(),
  token_url: address('The token endpoint itself; then `issuer` is asked nothing.').optional(),
  client_id: z.string().min(1).meta({ description: 'The name of the gateway there.' }),
  client_secret: z.string().min(1).optional().meta({ description: 'Its secret. Write a reference.' }),
  private_key: z
    .string()
    .refine(isPrivateKey, 'not a private key in PEM (PKCS #8), or one of a kind that is not used here')
    .optional()
    .meta({
      description:
        'A private key in PEM (PKCS #8) instead, RSA, P-256, P-384, P-521 or Ed25519: the client signs what proves it (RFC 7523). Write a reference.',
    }),
  key_id: z.string().min(1).optional().meta({ description: 'The `kid` of what is signed.' }),
  algorithm: z.enum(['RS256', 'PS256']).optional().meta({
    description: 'How an RSA key signs. Default: `RS256`. Keys of other kinds sign in one way alone.',
  }),
  certificate: z
    .string()
    .refine(isCertificate, 'not a certificate in PEM')
    .optional()
    .meta({ description: 'The certificate of the key in PEM: its thumbprints are sent, as Entra wants it.' }),
  auth: z
    .enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls_client_auth'])
    .optional()
    .meta({
      description:
        'How the gateway proves itself there. Default: `private_key_jwt` with a key, `client_secret_basic` with a secret, else `tls_client_auth` (RFC 8705).',
    }),
  ca: authorities.optional(),
  tls: z
    .strictObject({
      cert: z.string().refine(isCertificate, 'not a certificate in PEM').meta({
        description: 'With its chain, in PEM. Write a reference.',
      }),
      key: z
        .string()
        .refine(isAnyKey, 'not a private key in PEM without a passphrase')
        .meta({ description: 'Its private key in PEM. Write a reference.' }),
    })
    .refine(isPair, { path: ['key'], error: 'is not the key of the certificate' })
    .optional()
    .meta({ description: 'The certificate that the gateway shows to the server.' }),
  assertion_audience: z.string().min(1).optional().meta({
    description: 'The audience of what is signed. Default: the issuer, else the token endpoint.',
  }),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'not a scope'))
    .prefault([])
    .meta({
      description: 'The scopes that are asked for. Default: what the server gives unasked.',
    }),
  resource: someOf('The resource the token is for, one or a list (RFC 8707).').optional(),
  audience: someOf('The audience the token is for, for servers that go by this parameter.').optional(),
  parameters: z
    .record(z.string(), z.string())
    .superRefine((parameters, context) => {
      for (const name of Object.keys(parameters).filter((each) => RESERVED.includes(each)))
        context.addIssue({
          code: 'custom',
          path: [name],
          message: 'this parameter has an option of its own',
        });
    })
    .prefault({})
    .meta({ description: 'Further parameters of the request.' }),
  header: headerName('The header the token is sent in.').prefault('authorization'),
  prefix: z
    .string()
    .regex(/^[\x20-\x7e]*$/, 'cannot stand in a header')
    .prefault('Bearer ')
    .meta({ description: 'What stands before the token there.' }),
};

const grant = {
  grant: z.enum(['token-exchange', 'jwt-bearer']).prefault('token-exchange').meta({
    description:
      'How: RFC 8693, or the caller\'s token as an assertion (RFC 7523), as "on behalf of" of Entra has it.',
  }),
  subject_issuers: z.array(z.string().min(1)).min(1).optional().meta({
    description:
      'Issuers whose tokens are exchanged, as [auth](auth.md) has them. Default: `issuer` alone. No token of another is shown to this server.',
  }),
  subject_token_type: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "What the caller's token is. Default: an access token." }),
  requested_token_type: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'What is asked for. Default: what the server gives unasked.' }),
};

type ClientShape = z.output<z.ZodObject<typeof clientFields>>;

function judge(client: ClientShape, context: z.core.$RefinementCtx<unknown>): void {
  const problem = (path: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [path], message, input: undefined });
  const { issuer, token_url, client_secret, private_key, auth, tls } = client;
  if (issuer === undefined && token_url === undefined) problem('issuer', 'write `issuer` or `token_url`');
  if (client_secret !== undefined && private_key !== undefined)
    problem('private_key', 'the client has a secret or a key, not both');
  if (client_secret === undefined && private_key === undefined && tls === undefined)
    problem('client_secret', 'write `client_secret`, `private_key` or `tls`');
  if (auth === 'private_key_jwt' && private_key === undefined) problem('auth', 'needs `private_key`');
  if (auth?.startsWith('client_secret') && client_secret === undefined)
    problem('auth', 'needs `client_secret`');
  if (auth === 'tls_client_auth' && (tls === undefined || (client_secret ?? private_key) !== undefined))
    problem('auth', 'needs `tls`, and neither a secret nor a key beside it');
  for (const name of ['key_id', 'algorithm', 'certificate', 'assertion_audience'] as const)
    if (client[name] !== undefined && private_key === undefined) problem(name, 'belongs to `private_key`');
}

const clientCredentials = z
  .strictObject(clientFields)
  .superRefine(judge)
  .meta({ description: 'A token of the gateway itself, by OAuth client credentials.' });

const redeemFields = (({ header: _, prefix: __, ...fields }) => fields)(clientFields);
const tokenExchange = z
  .strictObject({
    ...clientFields,
    ...grant,
    redeem: z
      .strictObject(redeemFields)
      .superRefine((client, context) => judge({ ...client, header: '', prefix: '' }, context))
      .optional()
      .meta({
        description:
          'Where what is got is not yet the token but an assertion for another server (ID-JAG): that server, and the gateway as its client.',
      }),
  })
  .superRefine(judge)
  .refine(({ issuer, subject_issuers }) => (issuer ?? subject_issuers) !== undefined, {
    path: ['subject_issuers'],
    error: 'write whose tokens are exchanged: no `issuer` says it',
  })
  .meta({ description: "A token for the caller, in exchange for the caller's own." });

const sourceFields = {
  headers: headerValues('Headers with their values. Write references.').optional(),
  client_credentials: clientCredentials.optional(),
  token_exchange: tokenExchange.optional(),
};

const NOTHING = 'write `headers`, `client_credentials` or `token_exchange`';
const TWO = 'the token is got by `client_credentials` or by `token_exchange`, not by both';

interface Parts {
  readonly headers?: object | undefined;
  readonly client_credentials?: object | undefined;
  readonly token_exchange?: object | undefined;
}

const isSomething = ({ headers, client_credentials, token_exchange }: Parts): boolean =>
  (headers ?? client_credentials ?? token_exchange) !== undefined;
const isOneToken = ({ client_credentials, token_exchange }: Parts): boolean =>
  client_credentials === undefined || token_exchange === undefined;

const caller = z
  .strictObject({
    tenant: z.string().min(1).optional().meta({ description: 'Callers of this tenant.' }),
    principal: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'This one, of that tenant; where none is named, of no tenant.' }),
    ...sourceFields,
  })
  .refine(({ tenant, principal }) => (tenant ?? principal) !== undefined, 'write `tenant` or `principal`')
  .refine(isSomething, NOTHING)
  .refine(isOneToken, TWO);

const callers = z
  .array(caller)
  .superRefine((all, context) => {
    const names = all.map(({ tenant, principal }) => JSON.stringify([tenant, principal]));
    for (const [at, name] of names.entries())
      if (names.indexOf(name) !== at)
        context.addIssue({ code: 'custom', path: [at], message: 'the same callers have another entry' });
  })
  .prefault([])
  .meta({
    description:
      'What goes out for single tenants and principals, instead of what stands beside this list. The closest entry counts; whoever is in none has what stands beside the list, and is refused where nothing does.',
  });

export const schema = z
  .strictObject({
    ...sourceFields,
    callers,
    forward: z.array(forwardName('A header.')).prefault([]).meta({
      description:
        "Headers of the caller's request that are passed on as they came. None that proves who calls can be named.",
    }),
    refresh_before: duration('60s', {
      description:
        'How long before its end a token is got anew, while calls go on with the old one; up to half as long again, by chance, and no sooner than half of its life.',
    }),
    lifetime: duration('5m', { description: 'How long a token is used whose end is not told.' }, 1_000),
    token_timeout: duration('5s', { description: 'Longest wait for the authorization server.' }, 1),
    backoff: duration(
      '500ms',
      {
        description:
          'Wait after the first failure to get a token; then twice as long each time. Calls are refused meanwhile, at once.',
      },
      1,
    ),
    backoff_max: duration('10s', { description: 'Longest of these waits, while the server is away.' }, 1),
    refused_max: duration('5m', { description: 'The same where the server has refused.' }, 1),
    renew_least: duration('30s', {
      description:
        'A token that the upstream answers with 401 is got anew, and the message sent once more, if it is at least this old.',
    }),
    tokens: z
      .int()
      .min(1)
      .prefault(1_000)
      .meta({ description: 'Most tokens that are kept. Those that were not used for longest go first.' }),
  })
  .refine(
    (options) => isSomething(options) || options.callers.length > 0 || options.forward.length > 0,
    `${NOTHING}, or \`callers\` or \`forward\``,
  )
  .refine(isOneToken, TWO);

export type Options = z.output<typeof schema>;
export type Source = Pick<Options, 'headers' | 'client_credentials' | 'token_exchange'>;
export type ClientCredentials = z.output<typeof clientCredentials>;
export type TokenExchange = z.output<typeof tokenExchange>;
export type Redeem = NonNullable<TokenExchange['redeem']>;

const CURVES = ['prime256v1', 'secp384r1', 'secp521r1'];

function isPrivateKey(pem: string): boolean {
  try {
    const { asymmetricKeyType: kind, asymmetricKeyDetails: details } = createPrivateKey(pem);
    if (kind === 'ec') return CURVES.includes(details?.namedCurve ?? '');
    return kind === 'rsa' || kind === 'ed25519';
  } catch {
    return false;
  }
}

function isAnyKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).type === 'private';
  } catch {
    return false;
  }
}

function isPair({ cert, key }: { cert: string; key: string }): boolean {
  // What is none is told where it stands.
  if (!isCertificate(cert) || !isAnyKey(key)) return true;
  return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
