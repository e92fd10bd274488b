// The methods of proof, and the options that ask for them: a line in each of the two lists below.

import type { z } from '../../src/plugin.ts';
import type { Host, Method } from './attempt.ts';

/** What stands in gateway.yaml for each. Absent: callers cannot prove themselves that way. */
export const methodOptions = {};

type Options = Readonly<z.output<z.ZodObject<typeof methodOptions>>> | object;

/** Asked in this order; the first that recognises what was sent decides. */
export function methodsOf(_options: Options, _host: Host): Method[] {
  return [];
}
