// What a log that does not hold is told with, to those who open it.

import type { Kind } from './chain.ts';

/** The log is not what was written. */
export class IntegrityFault extends Error {
  constructor(
    readonly kind: Kind,
    detail: string,
    readonly seq?: number,
  ) {
    super(detail);
  }
}
