// A cache over an upstream by hand: what it is asked is counted, and answered as the test says.
import type { Exchange } from '../../../src/core/exchange.ts';
import type { Emit } from '../../../src/core/handler.ts';
import { McpNotification, McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { Cache, type CacheParts } from '../../../src/upstreams/cache.ts';
import type { Pooled } from '../../../src/upstreams/pooled.ts';
import { type ExchangeOptions, exchange, nobody, testHost } from '../../fixtures/exchanges.ts';

export type Answering = (x: Exchange, emit: Emit) => object | McpResult | Promise<object | McpResult>;

export interface Options {
  readonly era?: '2025' | '2026';
  readonly spec?: Partial<CacheParts['spec']>;
  readonly limits?: Partial<CacheParts['limits']>;
  /** Whether the link is one session's own. */
  readonly ownLinks?: boolean;
  readonly session?: CacheParts['session'];
  /** Whether callers have credentials of their own. */
  readonly perCaller?: boolean;
}

export const TOOLS = { resultType: 'complete', tools: [{ name: 'a' }] };

export function keeping(answer: Answering, options: Options = {}) {
  const { era = '2026', spec, limits, ownLinks = false } = options;
  const host = testHost();
  const asked: Exchange[] = [];
  let woken = Promise.withResolvers<void>();
  const bounds = { cacheBytes: 1_000_000, cacheEntries: 100, cacheTtl: 86_400_000, pages: 100, ...limits };
  const link = { era } as Pooled['link'];
  const cache = new Cache({
    upstream: 'up',
    spec: { lists: 0, reads: 0, staleIfError: 60_000, tools: undefined, ...spec },
    limits: bounds,
    host,
    patience: 10_000,
    session: options.session ?? (({ client }) => (ownLinks ? client.session?.key : undefined)),
    perCaller: () => options.perCaller === true,
    async carry(x, emit, via) {
      asked.push(x);
      woken.resolve();
      woken = Promise.withResolvers();
      via?.({ link, slot: { owner: ownLinks ? x.client.session : undefined } } as Pooled);
      const said = await answer(x, emit);
      return said instanceof McpResult ? said : McpResult.complete(RawObject.of({ ...said }));
    },
  });
  const call = (method: string, params?: object, more: ExchangeOptions = {}, emit: Emit = nobody) =>
    cache.handle(exchange(method, params, more), emit);
  return {
    cache,
    host,
    link,
    asked,
    /** The limits as they are now. */
    bounds,
    call,
    list: (more?: ExchangeOptions, params?: object) => call('tools/list', params, more),
    tell: (method: string, params: object = {}) => cache.heard(McpNotification.of(method, { ...params })),
    /** Resolves when the upstream has been asked so often. */
    async askedTimes(times: number) {
      while (asked.length < times) await woken.promise;
    },
    outcomes: (outcome: string) => host.figure('cacheRequests', { outcome }),
  };
}
