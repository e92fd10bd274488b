// Key rings: several keys with the times they are good for. The newest signs, every valid one verifies.

import { z } from '../../src/plugin.ts';
import { require } from './message.ts';

/** Times in milliseconds since the epoch; absent is without end. */
export interface Dated {
  readonly not_before?: number | undefined;
  readonly not_after?: number | undefined;
}

export interface Named extends Dated {
  readonly id: string;
}

const time = (description: string) =>
  z.iso
    .datetime({ offset: true, error: 'not a time: write 2027-01-31T00:00:00Z' })
    .meta({ description })
    .transform((text) => Date.parse(text))
    .optional();

export const dates = {
  not_before: time('The key is used from here on. Default: always.'),
  not_after: time('The key is used until here. Default: for ever.'),
};

/** A list of at least one key, no two with the same name, none that ends before it begins. */
export function ring<S extends z.ZodType<Dated>>(key: S, nameOf: (key: z.output<S>) => string) {
  return z
    .array(key)
    .min(1)
    .superRefine((keys, context) => {
      const names = keys.map(nameOf);
      for (const [at, { not_before, not_after }] of keys.entries()) {
        if (names.indexOf(names[at] as string) !== at)
          context.addIssue({ code: 'custom', path: [at], message: 'another key has the same name' });
        if (not_before !== undefined && not_after !== undefined && not_after <= not_before)
          context.addIssue({ code: 'custom', path: [at, 'not_after'], message: 'must be after not_before' });
      }
    });
}

export function isValid({ not_before, not_after }: Dated, now: number): boolean {
  return (not_before ?? Number.NEGATIVE_INFINITY) <= now && now < (not_after ?? Number.POSITIVE_INFINITY);
}

/** The valid keys, that which became valid last first; of two that became so at once, the later in the list. */
export function validKeys<K extends Dated>(keys: readonly K[], now: number): K[] {
  const begin = ({ not_before }: K): number => not_before ?? Number.NEGATIVE_INFINITY;
  return keys
    .filter((key) => isValid(key, now))
    .reverse()
    .sort((a, b) => (begin(a) === begin(b) ? 0 : begin(b) - begin(a)));
}

/**
 * The key that signs.
 * @throws Error when none is valid now
 */
export function newestKey<K extends Dated>(keys: readonly K[], now: number): K {
  const [newest] = validKeys(keys, now);
  if (newest === undefined) throw new Error('no key is valid now');
  return newest;
}

/**
 * The key a signature names.
 * @throws Refused when there is none, or when it is not valid now
 */
export function keyNamed<K extends Named>(keys: readonly K[], id: string, now: number): K {
  const key = keys.find((known) => known.id === id);
  require(key !== undefined, 'key_unknown');
  require(isValid(key, now), 'key_not_valid');
  return key;
}
