// Upstreams as the router sees them: handlers that answer from a table and remember what they were asked.

import { errorResult } from '../../../src/core/errors.ts';
import type { Exchange } from '../../../src/core/exchange.ts';
import type { Emit } from '../../../src/core/handler.ts';
import { NO_SHELF, type Shelf } from '../../../src/core/shelf.ts';
import { PREFIX } from '../../../src/lib/name-template.ts';
import { createSeal } from '../../../src/lib/seal.ts';
import { McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { createOffering, type OfferingOptions } from '../../../src/router/offering.ts';
import { createRouter, type RouterLimits, type RouterParts } from '../../../src/router/router.ts';
import type { Source } from '../../../src/router/source.ts';
import { Stock } from '../../../src/router/stock.ts';
import { nobody, testHost, toolCall } from '../../fixtures/exchanges.ts';

type Answer = McpResult | object | string;
type Answers = Readonly<Record<string, Answer | ((x: Exchange, emit: Emit) => Answer | Promise<Answer>)>>;

export interface TestSource extends Source {
  /** Requests so far, of a method if one is given. */
  asked(method?: string): Exchange[];
}

/** @param answers by method: a result, a result object, or its text; a method that is not there is unknown */
export function source(
  name: string,
  answers: Answers = {},
  hello: { capabilities?: object; instructions?: string } | Error = {},
): TestSource {
  const asked: Exchange[] = [];
  return {
    name,
    entry: `entry of ${name}`,
    isPlain: true,
    senders: [],
    pages: { most: 1_000, host: pagesHost },
    claims: [],
    asked: (method) => asked.filter(({ request }) => method === undefined || request.method === method),
    async handle(x, emit) {
      asked.push(x);
      const entry = answers[x.request.method];
      if (entry === undefined) return errorResult('METHOD_UNKNOWN');
      const answer = typeof entry === 'function' ? await entry(x, emit) : entry;
      if (answer instanceof McpResult) return answer;
      return McpResult.complete(
        typeof answer === 'string' ? RawObject.trusted(answer) : RawObject.of({ ...answer }),
      );
    },
    async hello() {
      if (hello instanceof Error) throw hello;
      return { capabilities: RawObject.of({ ...hello.capabilities }), instructions: hello.instructions };
    },
  };
}

export const down = errorResult('UPSTREAM_UNAVAILABLE', 'The upstream is not there.');

/** As every gateway with this key has it. */
export const seal = createSeal(new Uint8Array(32).fill(7));

export const gateway = RawObject.of({ name: 'sluice', version: '0' });

/** Hears of lists that are too long. */
export const pagesHost = testHost();

const STOCK = {
  size: 1e6,
  audiences: 64,
  timeout: 5_000,
  patience: 300,
  retry: 10_000,
  grace: 600_000,
  refresh: 60_000,
};
const LIMITS: RouterLimits = {
  patience: 5_000,
  fresh: 60_000,
  again: 1_000,
  page: 1_000,
  cursor: 3_600_000,
  debounce: 100,
  retry: 10_000,
  instructions: 32_768,
  taskId: 1_024,
  query: 1_000,
  events: 256,
};

/** A router over these sources, with prefixes unless it is told otherwise. */
export function routerOver(
  sources: readonly Source[],
  names: 'prefix' | 'none' | Partial<OfferingOptions> = 'prefix',
  patience = 5_000,
  more: Partial<RouterLimits> = {},
  shelf: Shelf = NO_SHELF,
  search?: RouterParts['search'],
) {
  const host = testHost();
  const options = typeof names === 'object' ? names : { template: names === 'prefix' ? PREFIX : undefined };
  const offering = createOffering({ upstreams: sources.map(({ name }) => name), ...options }, host);
  const stock = new Stock({ host, shelf, limits: () => ({ ...STOCK, timeout: patience }) });
  const leaving = new AbortController();
  const limits = () => ({ ...LIMITS, patience, ...more });
  const router = createRouter({
    sources,
    offering,
    gateway,
    stock,
    limits,
    leaving: leaving.signal,
    host,
    seal,
    search,
  });
  /** As an endpoint does it: the route first, then the way. */
  const handle = async (x: Exchange, emit: Emit = nobody): Promise<McpResult> => {
    x.reroute(router.route(x));
    return router.handle(x, emit);
  };
  return { host, router, offering, stock, leaving, handle, call: (name: string) => handle(toolCall(name)) };
}
