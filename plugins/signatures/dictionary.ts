// Headers that are dictionaries of structured fields (RFC 9651).

import { type Dictionary, parseDictionary, serializeDictionary } from 'structured-headers';
import { Refused, require } from './message.ts';

/** @throws Refused when the header is none, or is written in another way than it is serialized: no name twice */
export function dictionaryIn(header: string): Dictionary {
  let entries: Dictionary;
  try {
    entries = parseDictionary(header);
  } catch {
    throw new Refused('header_invalid');
  }
  require(serializeDictionary(entries) === header, 'header_invalid');
  return entries;
}

/** A dictionary of one entry, whose value is bytes. */
export function bytesUnder(name: string, bytes: Uint8Array): string {
  return serializeDictionary(new Map([[name, [Uint8Array.from(bytes).buffer, new Map()]]]));
}
