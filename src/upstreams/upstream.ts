// One configured upstream: a handler of exchanges over its links. Everything above sees only this.

import { type Client, canBeAsked, identityKey } from '../core/client.ts';
import { errorResult, GatewayError, messageOf } from '../core/errors.ts';
import type { Exchange, SendersOf } from '../core/exchange.ts';
import type { Emit, Handler } from '../core/handler.ts';
import { during, phases } from '../core/phases.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import { type McpNotification, McpResult, signedBy } from '../protocol/message.ts';
import { Affinity } from './affinity.ts';
import { afterRest, failure, isUnderWay } from './after-rest.ts';
import { Cache, type Carry, type Via } from './cache.ts';
import type { Call, Question, Settled } from './call.ts';
import { carry } from './carry.ts';
import { Greetings } from './greetings.ts';
import { isUpstreamFault, verdictOf } from './health.ts';
import { type Hello, isLost, type Link } from './link.ts';
import { listen } from './listen.ts';
import { createOpener, type UpstreamParts } from './opener.ts';
import { Outside } from './outside.ts';
import { createOwn } from './own.ts';
import { mayAsk, Park, type Resumed } from './park.ts';
import { Places } from './places.ts';
import { Pool } from './pool.ts';
import type { Hold, Pooled, Use } from './pooled.ts';
import { askTheRightOne } from './questions.ts';
import { isRead } from './reads.ts';
import { withRefusals } from './refused.ts';
import { createRepeats, type Repeat } from './repeats.ts';
import { SessionLevels } from './session-level.ts';
import { sessionFor, sharingOf } from './sharing.ts';
import { type Target, type TargetState, Targets } from './targets.ts';
import { TaskCalls } from './task-calls.ts';
import { helloOf, withoutList } from './task-tools.ts';
import { isUnsent } from './transient.ts';
import { hasParked } from './turns.ts';
import { UrlRequired } from './url-required.ts';
import { Watchers } from './watch.ts';

/** What is known of an upstream without asking it anything. */
export interface UpstreamState {
  readonly links: number;
  readonly calls: number;
  /** Calls that wait for a place. */
  readonly waiting: number;
  readonly tokens: number;
  readonly parked: number;
  readonly eras: readonly string[];
  /** Where it is reached, and whether it is called there. */
  readonly targets: readonly TargetState[];
}

export interface Upstream {
  readonly name: string;
  readonly handle: Handler;
  /** What the upstream says of itself toward this client. @throws GatewayError */
  hello(client: Client): Promise<Hello>;
  state(): UpstreamState;
  /** What the gateway's own messages to it pass from now on. */
  speakThrough(senders: SendersOf): void;
  /** Its files, of certificates, may have changed. */
  look(): void;
  /** The gateway stops: parked calls that only a new request could continue end now. */
  stopping(): void;
  /** Ends every link and child process. */
  close(): Promise<void>;
}

export type { UpstreamParts } from './opener.ts';

const LISTEN = 'subscriptions/listen';
const ROOTS_CHANGED = 'notifications/roots/list_changed';

export function createUpstream(parts: UpstreamParts): Upstream {
  const { spec, host, seal } = parts;
  const park = new Park(seal, spec.limits, host, (question, link) => ask(question, undefined, link));
  const urls = new UrlRequired(seal, spec.limits, host);
  const outside = new Outside(spec.limits, spec.timeouts.start, host);
  let senders: SendersOf = () => [];
  const ownOf = createOwn(spec.name, () => senders, host.now);
  const levels = new SessionLevels(ownOf, spec.timeouts.start);
  const repeats = createRepeats(spec, host);
  const open = createOpener(parts, ownOf, repeats.reconnects);
  const reaching = phases.reach(spec.name, spec.kind);
  const up = (value: 0 | 1): void => host.metrics.upstreamUp.set({ upstream: spec.name }, value);
  const places = new Places(spec.name, spec.concurrency, host);
  const targets: Targets = new Targets({
    upstream: spec.name,
    urls: spec.kind === 'url' ? spec.urls : [''],
    options: spec.targets,
    host,
    probe:
      spec.kind === 'url'
        ? (target, signal) => {
            const link = pool.all().find((one) => one.target === target && one.link.era === '2025')?.link;
            return open.probe(target, signal, { stateless: pool.verdicts.known('2026') === true, link });
          }
        : undefined,
    lost: (target) => pool.lost(target),
  });
  const affinity = new Affinity(targets.all);
  const greetings = new Greetings({
    upstream: spec.name,
    gateway: parts.gateway,
    patience: spec.timeouts.start,
    limits: spec.limits,
    host,
  });
  const perCaller = (): boolean => senders.perCaller === true;
  const pool: Pool = new Pool(
    spec,
    {
      open: (slot, target, told, signal) =>
        open.link(
          slot,
          target,
          { ...told, asked: ask, withdrawn, unsolicited, inCall: heard, missed },
          signal,
        ),
      watch: (link, { whose }, left) => new Watchers(link, ownOf(whose), spec.timeouts.start, left),
      perCaller,
      async rootsChanged({ link, slot }) {
        const told = slot.profile.capabilities.object('roots')?.get('listChanged') === true;
        if (link.era !== '2025' || !told) return;
        await link.notify(ownOf(slot.whose)(ROOTS_CHANGED)).catch((error: unknown) => {
          host.log.debug('not told of roots', { upstream: spec.name, error: messageOf(error) });
        });
      },
      closed: ({ link }, why) => {
        cache?.linkEnded(link);
        park.dropLink(link);
        outside.drop(link);
        host.log.debug('link ended', { upstream: spec.name, why });
      },
    },
    targets,
    host,
  );

  function ask(question: Question, via: Call | undefined, link: Link): void {
    const pooled = pool.of(link);
    const { owner: session, profile } = pooled?.slot ?? {};
    const owned = session !== undefined;
    const beside = (asked: Question): boolean =>
      owned && profile !== undefined && outside.ask(asked, link, { ...profile, era: '2025', session });
    const asking = { link, question, via, owned, outside: beside, upstream: spec.name, host };
    if (askTheRightOne(asking) && pooled && link.doubtful) pooled.mistrusted = true;
  }

  function withdrawn(questionKey: string, link: Link): void {
    for (const call of link.calls()) if (call.withdraw(questionKey)) return;
    if (!park.withdrawn(link, questionKey) && !outside.withdrawn(link, questionKey))
      host.metrics.dropped.inc({ reason: 'late_withdrawal' });
  }

  function heard(note: McpNotification, link: Link): void {
    cache?.heard(note);
    if (note.method !== 'notifications/tools/list_changed') return;
    tasks.forget(link);
    repeats.forget(link);
  }

  function unsolicited(note: McpNotification, link: Link): void {
    heard(note, link);
    if (!pool.of(link)?.watchers.tell(note)) host.metrics.dropped.inc({ reason: 'unsolicited_unwanted' });
  }

  const missed = (link: Link) => pool.of(link)?.watchers.missed((note) => unsolicited(note, link));

  async function acquire(hold: Hold, client: Client, use: Use): Promise<Pooled> {
    try {
      return await hold.acquire(client, use);
    } catch (error) {
      if (!(error instanceof GatewayError) || isUpstreamFault(error.code)) up(0);
      throw error;
    }
  }

  const carrying = {
    upstream: spec.name,
    park,
    limits: spec.limits,
    deadlines: spec.timeouts,
    crowded: () => places.crowded,
    host,
    misplaced: (question: Question, link: Link): void => ask(question, undefined, link),
  };
  const tasks = new TaskCalls(carrying, spec.timeouts.start);

  /** A link on which the call's questions can be told from those of others. */
  async function ready(x: Exchange, hold: Hold, exclude?: Use['exclude']): Promise<Pooled> {
    const asks = mayAsk(x.request.method) && !x.request.raw?.has('requestState');
    const safe = isRead(x.request.method);
    for (let place = 1; ; place++) {
      const use = { place: place - 1, safe, exclude };
      const pooled = await during(x, reaching, unlessAborted(acquire(hold, x.caller, use), x.signal));
      if (asks && place < pooled.slot.places && hasParked(pooled.link)) continue;
      if (asks) await during(x, phases.turn(spec.name), hold.turn(pooled, x.client, x.signal));
      await levels.ensure(pooled.link, x, pooled.slot);
      // Servers ask on the standing stream, too, and drop the question where there is none.
      if (asks && canBeAsked(x.client.capabilities) && pooled.link.era === '2025')
        await unlessAborted(Promise.resolve(pooled.link.listen?.().asked), x.signal);
      return pooled;
    }
  }

  const send = (x: Exchange, emit: Emit, hold: Hold, via?: Via): Promise<McpResult> =>
    repeats.run(x, (repeat) => sendOnce(x, emit, hold, via, repeat));

  /** @returns nothing where the request is to be sent once more */
  async function sendOnce(
    x: Exchange,
    emit: Emit,
    hold: Hold,
    via: Via | undefined,
    repeat: Repeat | undefined,
  ): Promise<McpResult | undefined> {
    let unreached: Set<Target> | undefined;
    for (let again = false; ; again = true) {
      const pooled = await ready(x, hold, unreached ?? repeat?.failed).catch((error: unknown) => {
        if (repeat?.unopened(error)) return undefined;
        throw error;
      });
      if (!pooled) return undefined;
      via?.(pooled);
      // Servers of the initialize era give no requestState; one of ours would have been taken up.
      if (pooled.link.era === '2025' && x.request.raw?.has('requestState'))
        return errorResult('STATE_INVALID', undefined, { requestId: x.id });
      x.signal.throwIfAborted();
      const abandoned = withRefusals(x) ?? withoutList(x, pooled);
      if (abandoned) return abandoned;
      repeat?.begins(pooled.link);
      const outcome = await tasks.carry(x, emit, pooled.link);
      if (!isUnderWay(outcome)) hold.heard(verdictOf(outcome));
      if (outcome instanceof McpResult) return told(outcome);
      if (isUnsent(outcome)) {
        unreached = new Set(unreached ?? repeat?.failed).add(pooled.target);
        if (targets.hasOther(unreached, () => identityKey(x.principal))) continue;
      }
      if (await repeat?.again(outcome, pooled)) return undefined;
      // The session is gone and the request was refused before it was looked at: once more, on a new session.
      if (isLost(outcome)) pool.drop(pooled);
      if (!isLost(outcome) || again) return settle(pooled.link, x, outcome);
    }
  }

  async function resume({ call, link, answer }: Resumed, x: Exchange, emit: Emit): Promise<McpResult> {
    link.resume(call, x, tasks.emitOf(call, emit));
    await answer().catch((error: unknown) => {
      if (call.ended) return;
      link.cancel(call, 'the answer could not be delivered');
      call.givenUp?.();
      throw error;
    });
    const outcome = await tasks.finish(call, await carry(call, link, x, carrying), x, emit, link);
    return outcome instanceof McpResult ? told(outcome) : settle(link, x, outcome);
  }

  async function resumed(x: Exchange, emit: Emit, hold: Hold): Promise<McpResult> {
    const parked = park.take(x);
    if (!parked) return errorResult('STATE_INVALID', undefined, { requestId: x.id });
    try {
      await during(x, phases.turn(spec.name), hold.turn(pool.of(parked.link), x.client, x.signal, true));
      return await resume(parked, x, emit);
    } finally {
      park.carried(parked.call);
    }
  }

  /** The requestState of a call that waits here is its way back. */
  async function comeBack(x: Exchange, emit: Emit, hold: Hold): Promise<McpResult> {
    const back = urls.comesBack(x);
    if (back === 'again') return send(x, emit, hold);
    return back ?? resumed(x, emit, hold);
  }

  function settle(link: Link, x: Exchange, settled: Settled): McpResult {
    const result = link.decode(x, settled);
    if (link.era === '2026') return told(result);
    const { info } = link.hello;
    // It has said in its greeting who it is; a client of 2026 reads it in each result.
    return told(urls.asked(x, info && x.client.era === '2026' ? signedBy(result, info) : result));
  }

  function told(result: McpResult): McpResult {
    // An error of the gateway's own has a status; the others are answers.
    const code = result.http === undefined ? undefined : result.raw.object('data')?.string('code');
    if (code === undefined) up(1);
    else if (isUpstreamFault(code)) {
      up(0);
      host.metrics.upstreamErrors.inc({ upstream: spec.name, code });
    }
    return result;
  }

  const listening = (hold: Hold) => ({
    upstream: spec.name,
    host,
    acquire: async (x: Exchange) =>
      (await unlessAborted(acquire(hold, x.caller, { lasts: true, safe: true }), x.signal)).link,
    watchers(link: Link) {
      const pooled = pool.of(link);
      if (!pooled) throw new GatewayError('UPSTREAM_UNAVAILABLE');
      return { watchers: pooled.watchers, owner: pooled.slot.owner !== undefined, ended: pooled.ended };
    },
    async carry(link: Link, x: Exchange, emit: Emit) {
      const outcome = await carry(link.start(x, emit), link, x, carrying);
      return outcome instanceof McpResult ? outcome : link.decode(x, outcome);
    },
    level: (link: Link, x: Exchange) => levels.ensure(link, x, pool.of(link)?.slot),
  });

  const carryOut: Carry = async (x, emit, via) => {
    const hold = pool.hold(affinity.takeOut(x));
    const hear: Emit = affinity.writes ? (note) => emit(affinity.tell(hold.stateless, note)) : emit;
    let isPlaced = false;
    let result: McpResult | undefined;
    try {
      if (x.request.method === LISTEN) return await listen(x, cache?.hearing(hear) ?? hear, listening(hold));
      const isBack = park.isOurs(x);
      if (isBack) places.squeeze();
      else if (!places.take()) {
        // Nobody waits to be refused.
        targets.refuse(() => identityKey(x.principal));
        await places.wait(x);
      }
      isPlaced = true;
      const answered = await (isBack ? comeBack(x, hear, hold) : send(x, hear, hold, via));
      result = affinity.writeIn(hold.stateless, x, answered);
      return result;
    } catch (error) {
      return told(failure(error, spec.name, x, host));
    } finally {
      const over = (): void => {
        hold.release();
        if (isPlaced) places.leave();
        cache?.ended(x);
      };
      if (result?.rest) afterRest(result.rest, { upstream: spec.name, x, hold, host, told }, over);
      else over();
    }
  };

  const cache =
    spec.cache === 'off'
      ? undefined
      : new Cache({
          upstream: spec.name,
          spec: spec.cache,
          limits: spec.limits,
          host,
          patience: spec.timeouts.start,
          session: ({ caller }) => sessionFor(spec, caller, pool.verdicts.order(caller.era)),
          perCaller,
          carry: carryOut,
        });

  return {
    name: spec.name,
    handle: (x, emit) => (cache?.takes(x) ? cache.handle(x, emit) : carryOut(x, emit)),
    async hello(client) {
      const hold = pool.hold();
      try {
        const use = { lasts: true, safe: true };
        const pooled = await repeats.open(() => acquire(hold, client, use));
        return helloOf(greetings.of(pooled.link, ownOf(pooled.slot.whose)), pooled, sharingOf(spec));
      } finally {
        hold.release();
      }
    },
    state: () => ({
      links: pool.size,
      waiting: places.waiting,
      calls: pool.all().reduce((sum, { link }) => sum + link.size.calls, 0),
      tokens: pool.all().reduce((sum, { link }) => sum + link.size.tokens, 0),
      parked: park.size + urls.size,
      eras: (['2025', '2026'] as const).filter((era) => pool.verdicts.known(era) === true),
      targets: targets.state(),
    }),
    speakThrough(next) {
      senders = next;
    },
    look: open.look,
    stopping() {
      park.stopping();
      urls.stopping();
    },
    async close() {
      park.close();
      urls.close();
      cache?.close();
      targets.close();
      await pool.close();
      await open.close();
    },
  };
}
