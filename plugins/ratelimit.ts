// Limits how much is asked: so many in a time, so many a day, so many at once, by whom or what an entry says.

import { definePlugin, type Exchange, type McpResult } from '../src/plugin.ts';
import { Charge, type Taken } from './ratelimit/counting.ts';
import { Held, Holding } from './ratelimit/holding.ts';
import { limitsOf } from './ratelimit/limits.ts';
import { schema } from './ratelimit/options.ts';
import { Places } from './ratelimit/places.ts';
import { refusalOf, tooLargeToJudge } from './ratelimit/refusals.ts';
import { reportOf } from './ratelimit/report.ts';
import { Seen } from './ratelimit/seen.ts';
import { storeOf } from './ratelimit/stores.ts';
import { ARGS_MAX, Subject, TooLarge } from './ratelimit/subject.ts';

/** At the door there may be no message to answer in. */
const AT_DOOR = 429;

export default definePlugin({
  name: 'ratelimit',
  api: 1,
  about: 'Limits how much is asked: so many in a time, so many a day, so many at once.',
  schema,
  async setup({ limits: given, store: where, status }, host) {
    const limits = limitsOf(given);
    const store = storeOf(where, host);
    // What is asked before that would be counted here.
    await store.ready;
    const seen = host.keep('seen v1', () => new Seen());
    const held = host.keep('held v1', () => new Held());
    seen.only(given.map(({ name }) => name));
    for (const limit of limits.held) placesOf(held, limit.name, limit);
    const place = host.upstream === undefined ? host.id : `${host.upstream}/${host.id}`;
    const charge = new Charge({ store, host, seen, place, hasTenant: limits.hasTenant });
    const holding = new Holding({ held, host, seen, limits: limits.held });
    /** HTTP requests that have paid at the door for the first of what they bring. */
    const paid = new WeakSet<Exchange['inbound']>();
    const taken = new WeakMap<Exchange, Taken>();
    const behindDoor = limits.counted.filter((limit) => !limits.atDoor.includes(limit));

    /** The refusal, while nothing is held. */
    async function ask(x: Exchange, subject: Subject): Promise<McpResult | undefined> {
      const all = paid.delete(x.inbound) ? behindDoor : limits.counted;
      const took = await charge.take(x, subject, all);
      if ('name' in took) return refusalOf(took, status);
      const full = await enter(x, subject, took);
      if (full) return full;
      if (took.asked.some(({ of }) => of.after)) taken.set(x, took);
      return undefined;
    }

    async function enter(x: Exchange, subject: Subject, took: Taken): Promise<McpResult | undefined> {
      try {
        const full = await holding.enter(x, subject);
        if (!full) return undefined;
        charge.giveBack(took);
        return refusalOf(full, status);
      } catch (error) {
        charge.giveBack(took);
        throw error;
      }
    }

    return {
      // What is not let in never gets further than this: it is counted here, above all where this stands above `auth`.
      async onCaller(x) {
        const isHttp = x.inbound.method !== undefined;
        if (!isHttp || x.isOwn || limits.atDoor.length + limits.failures.length === 0) return undefined;
        const subject = new Subject(x);
        const none = await charge.exhausted(limits.failures, subject);
        if (none) return refusalOf(none, AT_DOOR);
        const took = await charge.take(x, subject, limits.atDoor);
        paid.add(x.inbound);
        return 'name' in took ? refusalOf(took, AT_DOOR) : undefined;
      },
      async onRequest(_request, x) {
        if (x.isOwn) return undefined;
        try {
          return await ask(x, new Subject(x));
        } catch (error) {
          if (error instanceof TooLarge) return tooLargeToJudge(ARGS_MAX, status);
          throw error;
        }
      },
      ...(limits.failures.length > 0 && {
        streams: true,
        onResult(result, x) {
          // An upstream's error may say the same, and must not lock anybody out.
          const isOurs = result.kind === 'error' && result.http !== undefined;
          const code = isOurs ? result.raw.object('data')?.string('code') : undefined;
          if (code === 'UNAUTHENTICATED') charge.count(limits.failures, new Subject(x));
        },
      }),
      onClose(x, result) {
        holding.leave(x);
        const took = taken.get(x);
        if (!took) return;
        taken.delete(x);
        const failed = result.kind === 'error';
        if (result.rest) void result.rest.done.then(({ bytes }) => charge.settle(took, { bytes, failed }));
        else charge.settle(took, { bytes: Buffer.byteLength(result.raw.text), failed });
      },
      report: (asked) => reportOf({ limits, store, seen, held }, asked),
    };
  },
});

function placesOf(held: Held, name: string, options: Places['options']): void {
  const there = held.places.get(name);
  if (!there) {
    held.places.set(name, new Places(options));
    return;
  }
  there.options = options;
  there.renew();
}
