// What makes two requests the same, and who their callers are as far as an upstream could tell. Keeps nothing.

import { identityKey } from '../core/client.ts';
import type { Exchange, Sender } from '../core/exchange.ts';
import { isSaid, passedOn } from '../core/passed-on.ts';
import { digest } from '../lib/digest.ts';
import { BESIDE } from '../protocol/caching.ts';
import { canonicalText } from '../protocol/canonical.ts';
import { RawObject } from '../protocol/raw.ts';

/** A request as one that a kept result may answer. */
export interface Wanted {
  readonly method: string;
  /** What is asked but for the page: all pages of a list have it in common. */
  readonly listing: string;
  /** What of it is the client's, and that of those who send for it. */
  readonly client: string;
  /** The cursor as JSON text, empty on the first page and where there are none. */
  readonly page: string;
  /** Who asks: what an upstream could tell apart, it may answer in different ways. */
  readonly audience: string;
  /** The session whose own link would carry it. */
  readonly session: string | undefined;
  /** What is read. */
  readonly uri: string | undefined;
}

const EMPTY = RawObject.trusted('{}');

/** The rounds of a call depend on answers, which are no part of what is asked (2026-07-28 caching §Cache Key). */
export function isRound({ request: { raw } }: Exchange): boolean {
  return raw !== undefined && (raw.has('inputResponses') || raw.has('requestState'));
}

export class Keys {
  readonly #senders = new WeakMap<Sender, number>();
  #count = 0;

  /** @param session that of the caller, where a link could be for it alone */
  wanted(x: Exchange, session: string | undefined): Wanted {
    const { method, raw = EMPTY } = x.request;
    const meta = raw.object('_meta')?.with(BESIDE);
    const asked = raw.with({
      cursor: undefined,
      _meta: meta && meta.keys().length > 0 ? meta : undefined,
    });
    const { version, capabilities } = x.client;
    const client = JSON.stringify([version, canonicalText(capabilities.text), this.#sentBy(x)]);
    return {
      method,
      client,
      listing: JSON.stringify([method, client, canonicalText(asked.text)]),
      page: raw.raw('cursor') ?? '',
      audience: this.audience(x, session),
      session,
      uri: raw.string('uri'),
    };
  }

  /** As one text. Who shares it has the same rights, the same credential and, where that counts, the same session. */
  audience(x: Exchange, session: string | undefined): string {
    const { principal, inbound } = x;
    const credential = inbound.headers.get('authorization');
    const parts = [
      identityKey(principal),
      principal.scopes.toSorted(),
      principal.groups?.toSorted() ?? [],
      credential === null ? null : digest(credential),
      session ?? null,
    ];
    return JSON.stringify(x.senders.length === 0 ? parts : [...parts, ...tellable(x)]);
  }

  /** Plugins that add to what is sent may add what makes the answer another one. */
  #sentBy({ senders }: Exchange): string {
    return senders.map((sender) => this.#number(sender)).join(' ');
  }

  #number(sender: Sender): number {
    const known = this.#senders.get(sender) ?? ++this.#count;
    this.#senders.set(sender, known);
    return known;
  }
}

/** What else of a caller a plugin could send. */
function tellable({ inbound, client, senders }: Exchange): (string | null)[] {
  const headers = digest(passedOn(inbound.headers, senders));
  return isSaid(senders) ? [headers] : [client.session?.key ?? null, client.info?.text ?? null, headers];
}
