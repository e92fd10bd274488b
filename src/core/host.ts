// What the gateway lends to its parts: log, figures, clock. One object, passed down, never global.

import type { IntegrityError } from './integrity.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

export interface Host {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** The text without secrets of the configuration; as it is where this is left out. The log does so by itself. */
  readonly redact?: (text: string) => string;
  /** Has `redact` take a value out until a time. */
  readonly hide?: (value: string, until: number) => void;
  /** Ends the gateway, since a plugin says that it must not go on. Absent where nothing runs that could end. */
  readonly fail?: (fault: IntegrityError) => void;
  /** At least 0, less than 1; `Math.random` where it is left out. */
  readonly random?: () => number;
}
