// One configured upstream: a handler of exchanges over its links. Everything above sees only this.

import { GatewayError, errorResult, messageOf } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Emit, Handler } from '../core/handler.ts';
import type { Host } from '../core/host.ts';
import type { Client } from '../core/client.ts';
import { type McpNotification, McpResult } from '../protocol/message.ts';
import { RawObject } from '../protocol/raw.ts';
import type { Call, Question } from './call.ts';
import { carry } from './carry.ts';
import { type Hello, isLost, type Link } from './link.ts';
import { listen } from './listen.ts';
import { createOpener, type UpstreamParts } from './opener.ts';
import { opening } from './opening.ts';
import { Park } from './park.ts';
import { Pool, type Pooled } from './pool.ts';
import { askTheRightOne } from './questions.ts';
import { withRefusals } from './refused.ts';

/** What is known of an upstream without asking it anything. */
export interface UpstreamState {
  readonly links: number;
  readonly calls: number;
  readonly tokens: number;
  readonly parked: number;
  readonly eras: readonly string[];
}

export interface Upstream {
  readonly name: string;
  readonly handle: Handler;
  /** What the upstream says of itself toward this client. @throws GatewayError */
  hello(client: Client): Promise<Hello>;
  state(): UpstreamState;
  /** Ends every link and child process. */
  close(): Promise<void>;
}

export type { UpstreamParts } from './opener.ts';

export function createUpstream(parts: UpstreamParts): Upstream {
  const { spec, host, seal } = parts;
  const park = new Park(seal, spec.limits, host);
  const open = createOpener(parts);
  const up = (value: 0 | 1): void => host.metrics.upstreamUp.set({ upstream: spec.name }, value);
  const pool = new Pool(
    spec,
    {
      open: (slot, ended) => open.link(slot, { ended, asked: ask, unsolicited }),
      closed: ({ link }, why) => {
        park.dropLink(link);
        host.log.debug('link ended', { upstream: spec.name, why });
      },
    },
    host,
  );

  function ask(question: Question, via: Call | undefined, link: Link): void {
    const owned = pool.of(link)?.slot.owner !== undefined;
    askTheRightOne({ link, question, via, owned, upstream: spec.name, host });
  }

  function unsolicited(note: McpNotification, link: Link): void {
    if (!pool.of(link)?.watchers.tell(note)) host.metrics.dropped.inc({ reason: 'unsolicited_unwanted' });
  }

  async function acquire(client: Client): Promise<Pooled> {
    try {
      return await pool.acquire(client);
    } catch (error) {
      up(0);
      throw error;
    }
  }

  const carrying = { upstream: spec.name, park, deadlines: spec.timeouts, host };

  async function send(x: Exchange, emit: Emit): Promise<McpResult> {
    for (let again = false; ; again = true) {
      const pooled = await acquire(x.client);
      await ensureLevel(pooled, x);
      const abandoned = withRefusals(x);
      if (abandoned) return abandoned;
      const outcome = await carry(pooled.link.start(x, emit), pooled.link, x, carrying);
      if (outcome instanceof McpResult) return outcome;
      // The session is gone and the request was refused before it was looked at: once more, on a new session.
      if (isLost(outcome)) pool.drop(pooled);
      if (!isLost(outcome) || again) return settle(pooled.link.decode(x, outcome));
    }
  }

  async function resume(x: Exchange, emit: Emit): Promise<McpResult> {
    const parked = park.take(x);
    if (!parked) return errorResult('STATE_INVALID', undefined, { requestId: x.id });
    parked.link.resume(parked.call, x, emit);
    await parked.answer().catch((error: unknown) => host.log.debug('answer not delivered', { error: messageOf(error) }));
    const outcome = await carry(parked.call, parked.link, x, carrying);
    return outcome instanceof McpResult ? outcome : settle(parked.link.decode(x, outcome));
  }

  function settle(result: McpResult): McpResult {
    const fault = result.kind === 'error' && result.http !== undefined;
    up(fault ? 0 : 1);
    if (fault) {
      const code = String(result.raw.object('data')?.string('code') ?? '');
      host.metrics.upstreamErrors.inc({ upstream: spec.name, code });
    }
    return result;
  }

  const listening = {
    upstream: spec.name,
    host,
    acquire: async (x: Exchange) => (await acquire(x.client)).link,
    watchers(link: Link) {
      const pooled = pool.of(link);
      if (!pooled) throw new GatewayError('UPSTREAM_UNAVAILABLE');
      return { watchers: pooled.watchers, owner: pooled.slot.owner !== undefined, ended: pooled.ended };
    },
    async carry(link: Link, x: Exchange, emit: Emit) {
      const outcome = await carry(link.start(x, emit), link, x, carrying);
      return outcome instanceof McpResult ? outcome : link.decode(x, outcome);
    },
    level: async (link: Link, x: Exchange) => {
      const pooled = pool.of(link);
      if (pooled) await ensureLevel(pooled, x);
    },
  };

  return {
    name: spec.name,
    async handle(x, emit) {
      try {
        if (x.request.method === 'subscriptions/listen') return await listen(x, emit, listening);
        return await (park.isOurs(x) ? resume(x, emit) : send(x, emit));
      } catch (error) {
        return settle(failure(error, spec.name, x, host));
      }
    },
    hello: async (client) => (await acquire(client)).link.hello,
    state: () => ({
      links: pool.size,
      calls: pool.all().reduce((sum, { link }) => sum + link.size.calls, 0),
      tokens: pool.all().reduce((sum, { link }) => sum + link.size.tokens, 0),
      parked: park.size,
      eras: (['2025', '2026'] as const).filter((era) => pool.verdicts.known(era) === true),
    }),
    async close() {
      park.close();
      await pool.close();
      await open.close();
    },
  };
}

function failure(error: unknown, upstream: string, x: Exchange, host: Host): McpResult {
  if (x.signal.aborted) return errorResult('CANCELLED', undefined, { requestId: x.id });
  if (error instanceof GatewayError) return errorResult(error.code, error.message, { ...error.data, requestId: x.id });
  host.log.error('upstream handler failed', { upstream, requestId: x.id, error: messageOf(error) });
  return errorResult('INTERNAL', undefined, { requestId: x.id });
}

/** The log level of an initialize-era server belongs to the session, so it is set when a request wants another. */
async function ensureLevel(pooled: Pooled, x: Exchange): Promise<void> {
  const level = x.request.meta.logLevel;
  const { link } = pooled;
  if (level === undefined || link.era !== '2025' || pooled.level === level) return;
  if (!link.hello.capabilities.has('logging')) return;
  pooled.level = level;
  await link.start(opening('logging/setLevel', RawObject.of({ level })), () => undefined).settled;
}
