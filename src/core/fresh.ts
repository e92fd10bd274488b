// The wish for a result that is not a kept one, set by whoever has found out that what is known is too old, and
// whether it is one.

import { fact } from './facts.ts';

export const wantsFresh = fact<true>('wants fresh');

/** Set where a result is a kept one, by whoever gave it. */
export const isKept = fact<true>('is kept');
