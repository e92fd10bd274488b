// Names that every client takes: `^[A-Za-z0-9_-]{1,58}$`. Some hand names on to a model's interface that allows 64
// of these characters, and put a prefix of their own in front.
// A name beyond that gets a short one that hangs on nothing but itself: the same at every gateway, for ever.

import { digest } from '../lib/digest.ts';

const LONGEST_NAME = 58;
/** Hexadecimal characters of the name's SHA-256: the last word of a name is rarely eight of these. */
const MARK = 8;

const TAKEN = /^[A-Za-z0-9_-]{1,58}$/;
const FOREIGN = /[^A-Za-z0-9_-]/gu;
const SHORT = /_[0-9a-f]{8}$/;

/** The name itself where every client takes it, else its short form. */
export function shortName(name: string): string {
  if (TAKEN.test(name)) return name;
  const readable = name.replace(FOREIGN, '_').slice(0, LONGEST_NAME - MARK - 1);
  return `${readable}_${digest(name).slice(0, MARK)}`;
}

/** Whether it can be the short form of another name, which only a list of those tells. */
export function maybeShort(name: string): boolean {
  return SHORT.test(name) && TAKEN.test(name);
}
