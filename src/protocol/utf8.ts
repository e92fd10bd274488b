// Bytes to text, strictly. Knows nothing of what the text says.

import { JsonError } from './scan.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Decodes UTF-8; nothing is replaced by U+FFFD. One byte order mark at the start is dropped (`strip`: bodies of
 * answers), an error (`refuse`: stdio lines, RFC 8259 §8.1), or stays in the text (`keep`: bodies of requests, which
 * may be signed with it); a second one always stays.
 * @throws JsonError `utf8`
 */
export function decodeUtf8(bytes: Uint8Array, bom: 'strip' | 'refuse' | 'keep'): string {
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  if (marked && bom === 'refuse') throw new JsonError('utf8', 0, 'a byte order mark before the JSON');
  try {
    return decoder.decode(marked && bom === 'strip' ? bytes.subarray(3) : bytes);
  } catch {
    throw new JsonError('utf8', 0, 'invalid UTF-8');
  }
}
