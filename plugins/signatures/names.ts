// Names of headers a signature may be sent in.

import { z } from '../../src/plugin.ts';

/** What belongs to the connection, to the body or to MCP: a signature there would break the message. */
const TAKEN =
  /^(?:host|connection|content-(?:length|type|encoding|digest)|transfer-encoding|te|trailer|upgrade|expect|accept|accept-.*|mcp-.*|last-event-id)$/;

/** A header's name, in any case. Gives it in lower case. */
export function headerName(preset: string, description: string) {
  return z
    .string()
    .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, 'not the name of a header')
    .refine((name) => !TAKEN.test(name.toLowerCase()), 'this header means something else already')
    .meta({ description })
    .transform((name) => name.toLowerCase())
    .prefault(preset);
}

/** A problem when two of the names are the same. */
export function areDistinct(names: Readonly<Record<string, string>>): boolean {
  const all = Object.values(names);
  return new Set(all).size === all.length;
}

export const DISTINCT = 'every header needs a name of its own';
