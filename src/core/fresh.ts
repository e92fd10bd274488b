// The wish for a result that is not a kept one: set by whoever has found out that what is known is too old.

import { fact } from './facts.ts';

export const wantsFresh = fact<true>('wants fresh');
