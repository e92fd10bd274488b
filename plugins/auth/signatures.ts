// Callers who sign their requests: whose key it is, over the exact bytes that came. The schemes are those of
// plugins/signatures/; the place that is covered is the one of the configuration, whatever Host says.

import { verifyHmac } from '../signatures/hmac-v1.ts';
import { type Dated, isValid } from '../signatures/keys.ts';
import { type Message, Refused, type Rule, require } from '../signatures/message.ts';
import type { NonceStore } from '../signatures/nonces.ts';
import { verifyRfc9421 } from '../signatures/rfc9421-verify.ts';
import { verifyWebhook } from '../signatures/webhooks.ts';
import { type Attempt, type Host, type Method, refused, type Verdict } from './attempt.ts';
import { materialOf, type SignaturesOptions } from './signature-options.ts';
import { idIn, principalOf, type Space, type Whom } from './whom.ts';

/** What outlives a reload. */
export interface SignatureMemory {
  readonly nonces: NonceStore;
  /**
   * When a request was verified, by its headers, as long as anything of it is there: a subscription is judged anew
   * after a reload, by which time its signature is old and its nonce known.
   */
  readonly verified: WeakMap<Headers, number>;
}

type SignerKey = Whom & Dated & { readonly id: string };

/** One scheme: which requests are signed with it, and how that is verified. */
interface Scheme {
  /** Stands before the ids of its keys, where they are those of callers. */
  readonly space: Space;
  /** Those that a request has for nothing else. */
  readonly headers: readonly string[];
  /** All that it reads of its own. */
  readonly takes: readonly string[];
  /** @throws Refused */
  verify(message: Message, rule: Pick<Rule<never>, 'nonces' | 'now' | 'skew'>): SignerKey;
}

export function signatures(
  options: SignaturesOptions,
  memory: SignatureMemory,
  { limitHit }: Pick<Host, 'limitHit'>,
): Method {
  const schemes = schemesOf(options);
  memory.nonces.room = { each: options.nonces, all: Number.MAX_SAFE_INTEGER };
  return {
    name: 'signatures',
    headers: [...new Set(schemes.flatMap(({ takes }) => takes))],
    challenge: () => 'Signature',
    verify(attempt) {
      const used = schemes.filter(({ headers }) => headers.some((name) => attempt.headers.has(name)));
      const [scheme, another] = used;
      if (!scheme || attempt.transport === 'stdio') return undefined;
      if (another) return refused('several_signatures');
      try {
        return judged(scheme, attempt, options.skew, memory);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (error.reason !== 'nonces_full') return refused(error.reason);
        // Nobody can tell whether the nonce was there before.
        limitHit('nonces');
        return { kind: 'unavailable', reason: error.reason };
      }
    },
  };
}

/** @throws Refused */
function judged(
  scheme: Scheme,
  attempt: Attempt,
  skew: number,
  { nonces, verified }: SignatureMemory,
): Verdict {
  const { headers, method, url, query, now } = attempt;
  const body = attempt.body();
  if (url === undefined) return refused('url_unknown');
  if (body === undefined && method === 'POST') throw new Error('what was posted is not known');
  const message = { method, url: url + query, headers: Object.fromEntries(headers), body: body ?? '' };
  const before = verified.get(headers);
  const key = scheme.verify(message, {
    now: before ?? now,
    skew,
    nonces: before === undefined ? nonces : { take: () => 'new' },
  });
  require(isValid(key, now), 'key_not_valid');
  if (before === undefined) verified.set(headers, now);
  return { kind: 'found', principal: principalOf(key, idIn(scheme.space, key.id), key.not_after) };
}

function schemesOf(options: SignaturesOptions): Scheme[] {
  const { rfc9421, 'hmac-v1': hmac, 'standard-webhooks': webhooks } = options;
  const schemes: Scheme[] = [];
  if (rfc9421) {
    const keys = rfc9421.keys.flatMap((key) => {
      const material = materialOf(key);
      return material === undefined ? [] : [{ ...key, material }];
    });
    const own = { ...rfc9421, keys, spaceOf: spaceOfKey('rfc9421') };
    schemes.push({
      space: 'rfc9421',
      headers: ['signature', 'signature-input'],
      takes: ['signature', 'signature-input', 'content-digest', ...rfc9421.components.filter(isHeader)],
      verify: (message, rule) => verifyRfc9421<(typeof keys)[number]>(message, { ...own, ...rule }),
    });
  }
  if (hmac) {
    const own = { form: hmac, keys: hmac.keys, spaceOf: spaceOfKey('hmac-v1') };
    schemes.push({
      space: 'hmac-v1',
      headers: [hmac.headers.key, hmac.headers.signature],
      takes: Object.values(hmac.headers),
      verify: (message, rule) => verifyHmac<(typeof hmac.keys)[number]>(message, { ...own, ...rule }),
    });
  }
  if (webhooks) {
    // Keys have no name there: while those of one principal overlap, what one has signed is good with each.
    const spaceOf = ({ tenant = '', principal, id }: SignerKey): string =>
      JSON.stringify(['standard-webhooks', tenant, principal ?? id]);
    const own = { ...webhooks, spaceOf };
    schemes.push({
      space: 'standard-webhooks',
      headers: [webhooks.headers.id, webhooks.headers.signature],
      takes: Object.values(webhooks.headers),
      verify(message, rule) {
        // Nothing of a GET or DELETE is covered.
        require(message.method === 'POST', 'not_covered');
        return verifyWebhook<(typeof webhooks.keys)[number]>(message, { ...own, ...rule });
      },
    });
  }
  return schemes;
}

/** Of the components of a signature: a header by its name, and neither something derived nor a pattern. */
const isHeader = (component: string): boolean => /^[^@*]+$/.test(component);

const spaceOfKey =
  (scheme: string) =>
  ({ tenant = '', id }: SignerKey): string =>
    JSON.stringify([scheme, tenant, id]);
