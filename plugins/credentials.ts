// Puts a credential on what is sent to one upstream: as whom the gateway, or its caller, goes there. Which one, for
// whom: its options. How tokens are got and kept: plugins/credentials/.

import { createHash } from 'node:crypto';
import {
  definePlugin,
  type Exchange,
  GATEWAY,
  type McpResult,
  type PluginHost,
  refuse,
} from '../src/plugin.ts';
import type { TokenFault } from './credentials/faults.ts';
import { type Options, schema } from './credentials/options.ts';
import { reachServers } from './credentials/reach.ts';
import { type Origin, originsOf } from './credentials/sources.ts';
import { type Asking, NoToken, type TokenHooks, Tokens } from './credentials/tokens.ts';

export default definePlugin({
  name: 'credentials',
  api: 1,
  about: 'Puts a credential on what is sent to an upstream: one of its own, or one for the caller.',
  schema,
  check: (options, { connect }) => (connect === true ? reachServers(options) : []),
  async setup(options, host) {
    const { upstream } = host;
    // In the pipeline of all, one credential would go to every upstream.
    if (upstream === undefined)
      throw new Error('credentials belongs into upstreams.NAME.pipeline: a credential is for one upstream');
    const { choose, common } = await originsOf(options);
    const tokens = keptTokens(options, upstream, host);
    /** Undefined for the gateway itself where everything is for callers: then it goes without. */
    const originFor = (x: Exchange): Origin | undefined => {
      if (x.principal !== GATEWAY) return choose(x.principal);
      return common?.token?.isForCaller ? undefined : common;
    };
    const askingFor = ({ token }: Origin, x: Exchange): Asking | undefined =>
      token?.asking(x.principal, x.caller.token);
    return {
      passesOn: options.forward,
      perCaller: options.callers.length > 0 || options.token_exchange !== undefined,
      async onSend(outbound, x) {
        if (outbound.transport === 'stdio')
          throw new Error('what goes to a process has no headers for a credential');
        const origin = originFor(x);
        if (!origin && x.principal !== GATEWAY && !isForwardOnly(options)) return missing(upstream);
        const headers = { ...outbound.headers, ...forwarded(options.forward, x), ...origin?.headers };
        if (!origin?.token) return { ...outbound, headers };
        const { header, prefix } = origin.token;
        const asking = askingFor(origin, x);
        if (!asking) return missing(upstream, 'The caller brought no token that could be exchanged for it.');
        if (asking.until !== undefined && host.now() >= asking.until)
          return missing(upstream, 'The token that the caller brought last has ended.');
        try {
          const token = tokens.take(asking, options);
          const value = typeof token === 'string' ? token : await x.hold(token);
          return { ...outbound, headers: { ...headers, [header]: `${prefix}${value}` } };
        } catch (error) {
          if (error instanceof NoToken) return withoutToken(upstream, error);
          throw error;
        }
      },
      async onRefused({ outbound }, x) {
        const origin = originFor(x);
        const asking = origin && askingFor(origin, x);
        if (!origin?.token || !asking) return false;
        const { header, prefix } = origin.token;
        const isAnother = tokens.refused(
          asking.key,
          (outbound.headers[header] ?? '').slice(prefix.length),
          options,
        );
        if (isAnother) host.count('renewed');
        return isAnother;
      },
    };
  },
});

function isForwardOnly({ callers, headers, client_credentials, token_exchange }: Options): boolean {
  return callers.length === 0 && (headers ?? client_credentials ?? token_exchange) === undefined;
}

/** They stay over a reload that changes no option of the entry. */
function keptTokens(options: Options, upstream: string, host: PluginHost): Tokens {
  const hooks: TokenHooks = {
    now: () => host.now(),
    got(value, until) {
      host.hide(value, until);
      host.count('got');
    },
    failed(fault, wait) {
      host.count('failed', { kind: fault.kind });
      host.log.warn('no credential', { upstream, ...toldOf(fault, options), retryAfterMs: Math.ceil(wait) });
    },
    evicted: () => host.limitHit('credentials_tokens'),
  };
  const same = createHash('sha256').update(JSON.stringify(options)).digest('base64url');
  const tokens = host.keep(
    `tokens v1 ${same}`,
    () => new Tokens(options.tokens, hooks),
    (kept) => kept.clear(),
  );
  tokens.hand(hooks);
  return tokens;
}

const MOST_SAID = 300;

/** What a server says may repeat what it was sent: that is left out. */
function toldOf({ message, kind, detail }: TokenFault, options: Options): Record<string, string> {
  if (detail === undefined) return { error: message, kind };
  const secrets = JSON.stringify(options).match(/"client_secret":"(?:[^"\\]|\\.)*"/g) ?? [];
  const shown = secrets
    .map((each) => JSON.parse(each.slice('"client_secret":'.length)) as string)
    .reduce((text, secret) => text.replaceAll(secret, '••••'), detail)
    // Tokens and assertions.
    .replace(/[A-Za-z0-9_-]{24,}(?:\.[A-Za-z0-9_-]+)*/g, '••••')
    .replace(/[^\x20-\x7e]+/g, ' ');
  return { error: message, kind, said: shown.slice(0, MOST_SAID) };
}

function forwarded(names: readonly string[], { inbound }: Exchange): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = inbound.headers.get(name);
      return value === null ? [] : [[name, value] as const];
    }),
  );
}

function missing(upstream: string, why = 'There is none for this caller.'): McpResult {
  return refuse(
    'CREDENTIAL_MISSING',
    `The upstream "${upstream}" is called with a credential of the caller's. ${why}`,
    {
      upstream,
    },
  );
}

function withoutToken(upstream: string, { fault, retryAfterMs }: NoToken): McpResult {
  if (fault.kind === 'caller') return missing(upstream, `The authorization server ${fault.message}.`);
  const detail = `There is no credential for the upstream "${upstream}": its authorization server ${fault.message}.`;
  return refuse('CREDENTIAL_UNAVAILABLE', detail, {
    upstream,
    reason: fault.kind,
    retryAfterMs: Math.ceil(retryAfterMs),
  });
}
