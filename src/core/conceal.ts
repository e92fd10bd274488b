// What clients are told went wrong, without secrets of the configuration: an upstream may repeat in its error what it
// was sent. Results that are no errors are the upstream's to answer for, and pass as they are.

import { redactData } from '../lib/redact.ts';
import { McpResult } from '../protocol/message.ts';
import { RawJson, type RawObject } from '../protocol/raw.ts';
import type { Handler } from './handler.ts';
import type { Host } from './host.ts';

/** A handler whose errors hold no secret: those of JSON-RPC, and results of tools that say they are errors. */
export function concealing(next: Handler, { redact }: Host): Handler {
  if (redact === undefined) return next;
  return async (x, emit) => {
    const result = await next(x, emit);
    // What is passed on as it comes is no error: an error is short.
    if (result.rest || !isError(result)) return result;
    return withoutSecrets(result, redact);
  };
}

function isError({ kind, raw }: McpResult): boolean {
  return kind === 'error' || (raw.text.includes('"isError"') && raw.get('isError') === true);
}

function withoutSecrets(result: McpResult, redact: (text: string) => string): McpResult {
  const { raw, kind, http, headers, signed, rest, why } = result;
  // Most have none. What the look at the text finds may also be no string, or one in other letters.
  const changes = Object.fromEntries(raw.keys().flatMap((key) => changeOf(raw, key, redact)));
  const concealed = raw.with(changes);
  return concealed === raw ? result : new McpResult(kind, concealed, http, headers, signed, rest, why);
}

function changeOf(raw: RawObject, key: string, redact: (text: string) => string): [string, RawJson][] {
  const before = JSON.stringify(raw.get(key));
  const after = JSON.stringify(redactData(raw.get(key), redact));
  return before === after ? [] : [[key, new RawJson(after)]];
}
