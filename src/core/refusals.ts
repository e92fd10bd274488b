// Errors that an initialize-era client gave instead of answers, by the key of the question. 2026-07-28 has no
// form for them inside a message, so they travel beside it.

import type { RawObject } from '../protocol/raw.ts';
import { fact } from './facts.ts';

export interface Refusal {
  /** What was asked, such as `sampling/createMessage`. */
  readonly method: string;
  /** The JSON-RPC error object, verbatim. */
  readonly error: RawObject;
}

export const refusalsFact = fact<ReadonlyMap<string, Refusal>>('refusals');
