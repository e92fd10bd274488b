// What concerns a session alone is answered at the door, and so is what is no request. But whose a session is, only
// plugins find out: all of it passes them first, as a request that ends where the router would begin.

import { catalogue, type ErrorName } from '../core/errors.ts';
import type { Inbound } from '../core/exchange.ts';
import { McpRequest, type McpResult } from '../protocol/message.ts';
import type { Serving } from './serving.ts';
import type { Session } from './session.ts';

/** How plugins see what is no request of MCP: a standing stream, the end of a session, posted answers. */
export const BARE = {
  GET: new McpRequest('GET', undefined),
  DELETE: new McpRequest('DELETE', undefined),
  POST: new McpRequest('POST', undefined),
};

export interface Arrival {
  readonly inbound: Inbound;
  /** For plugins and the log. */
  readonly id: string;
  readonly serving: Serving;
}

/** @returns why it is refused: it is another principal's session, or a plugin said no */
export async function denied(
  session: Session,
  { inbound, id, serving }: Arrival,
  request: McpRequest,
): Promise<McpResult | undefined> {
  // Nobody else can write into a pipe.
  if (session.client.session?.principal === undefined) return undefined;
  const refusal = await serving.endpoint(session.path)?.admit(session.client, inbound, request, id);
  if (!refusal) return undefined;
  const { listener, endpoint: path, remote } = inbound;
  serving.refused({
    code: refusedName(refusal),
    why: refusal.why,
    requestId: id,
    listener,
    path,
    method: request.method,
    remote,
  });
  return refusal;
}

/** Where there is no answer to tell a refusal in, the status must. */
export function bareStatus(result: McpResult): number {
  const { http = 0 } = result;
  if (refusedName(result) === 'RATE_LIMITED') return 429;
  return Math.max(http, http === 401 ? 0 : 403);
}

/** A plugin may refuse by a name of its own. */
export function refusedName({ raw }: McpResult): ErrorName {
  const name = raw.object('data')?.string('code');
  return name !== undefined && name in catalogue ? (name as ErrorName) : 'FORBIDDEN';
}
