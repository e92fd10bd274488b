// The signature base of RFC 9421: the lines a signature covers. Its syntax and its components are the libraries'.

import { httpbis } from 'http-message-signatures';
import { type BareItem, serializeInnerList } from 'structured-headers';
import { Refused } from './message.ts';

export type Parameters = ReadonlyMap<string, BareItem>;

/** A request, or a response. */
export type Signed =
  | { readonly method: string; readonly url: string; readonly headers: Readonly<Record<string, string>> }
  | { readonly status: number; readonly headers: Readonly<Record<string, string>> };

/** What stands behind the label in Signature-Input: the components and parameters of a signature. */
export function inputOf(components: readonly string[], parameters: Parameters): string {
  return serializeInnerList([components.map((name) => [name, new Map()]), new Map(parameters)]);
}

/** The library takes the URL as it is for @target-uri; who and which part of a page it is for is not sent. */
function sent(message: Signed): Signed {
  if (!('url' in message)) return message;
  const url = new URL(message.url);
  url.username = '';
  url.password = '';
  url.hash = '';
  return { ...message, url: url.href };
}

/**
 * The text that is signed.
 * @throws Refused when the message has no such component
 */
export function baseOf(message: Signed, components: readonly string[], input: string): string {
  try {
    const lines = httpbis.createSignatureBase({ fields: [...components] }, sent(message) as never);
    return [
      ...lines.map(([name, value]) => `${name}: ${value.join(', ')}`),
      `"@signature-params": ${input}`,
    ].join('\n');
  } catch {
    throw new Refused('not_covered');
  }
}
