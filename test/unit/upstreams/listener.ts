// A client that listens to an upstream for as long as a test wants.
import { afterEach } from 'bun:test';
import { GRACEFUL } from '../../../src/core/graceful.ts';
import type { Upstream } from '../../../src/upstreams/upstream.ts';
import { clientOf, collector, exchange } from '../../fixtures/exchanges.ts';

export const ALL = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };

const leaving: (() => Promise<unknown>)[] = [];

/** For the top of a test file, before anything that ends upstreams: whoever still listens leaves after the test. */
export function leaveAfterEach(): void {
  afterEach(async () => {
    await Promise.all(leaving.splice(0).map((leave) => leave()));
  });
}

/** Listens until `leave`. */
export function listener(upstream: Upstream, filter: object, client = clientOf()) {
  const abort = new AbortController();
  const { notes, emit, heard } = collector();
  const params = { notifications: filter };
  const x = exchange('subscriptions/listen', params, { client, signal: abort.signal });
  const over = upstream.handle(x, emit);
  const leave = (reason: unknown = GRACEFUL) => {
    abort.abort(reason);
    return over;
  };
  leaving.push(leave);
  /** Each notification as its method and the resource or filter it is about. */
  const texts = (): string[] =>
    notes.map(({ method, raw }) => {
      const about = raw?.string('uri') ?? JSON.stringify(raw?.get('notifications') ?? {});
      return `${method.replace('notifications/', '')} ${about}`;
    });
  return { notes, leave, texts, heard };
}
