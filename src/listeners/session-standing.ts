// The standing subscription of a session, wired to the current generation.

import { RawObject } from '../protocol/raw.ts';
import { requestOf } from './edge.ts';
import { serve } from './serve.ts';
import type { Serving } from './serving.ts';
import type { Session } from './session.ts';
import { Standing } from './standing.ts';

/** @param path the endpoint · @param listener its listener's name, for plugins and logs */
export function sessionStanding(
  session: Session,
  path: string,
  listener: string,
  serving: Serving,
): Standing {
  return new Standing({
    host: serving.host,
    limits: serving.limits,
    async run(filter, signal, emit) {
      const params = RawObject.of({}).with({ notifications: filter });
      const request = requestOf('subscriptions/listen', params, session.logLevel);
      const inbound = { listener, endpoint: path, headers: new Headers(), isOwn: true };
      const id = `listen-${crypto.randomUUID()}`;
      const served = await serve({ id, client: session.owner, inbound, request, signal, emit }, serving);
      served.close();
      return served.result;
    },
  });
}
