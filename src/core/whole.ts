// Results that are passed on as they come, held after all for what has to see the whole of one.

import { McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import { errorResult, GatewayError, messageOf } from './errors.ts';

/** The whole of it; the same where nothing is to come. One that is longer than is held can still be passed on. */
export async function wholeResult(result: McpResult): Promise<McpResult | TooLongResult> {
  const { rest } = result;
  if (!rest) return result;
  try {
    const whole = await rest.whole();
    if (whole instanceof RawObject)
      return new McpResult(result.kind, whole, result.http, result.headers, result.signed);
    const { upstream, limit, seen } = whole;
    const data = { upstream, limit: 'response' };
    return {
      refuse(why) {
        rest.cancel();
        const detail = `The upstream "${upstream}" answered more than limits.response allows (${limit} bytes; so far there were ${seen}), and ${why}. Ask it for less, or raise the limit.`;
        return errorResult('UPSTREAM_INVALID', detail, data);
      },
    };
  } catch (error) {
    return error instanceof GatewayError
      ? error.result
      : errorResult('UPSTREAM_INVALID', `The answer broke off: ${messageOf(error)}`);
  }
}

/** A result that is longer than is held. */
export interface TooLongResult {
  /** Lets go of it. @param why it had to be held, as a part of a sentence. @returns what is answered in its place */
  refuse(why: string): McpResult;
}
