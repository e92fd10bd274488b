// Progress that people can follow: bursts are thinned out, the newest always arrives, nothing goes back, and silence is
// broken before a client takes it for the end. Must not know wires: which call a notification belongs to is settled
// before it comes here.

import { definePlugin, duration, type Emit, type Exchange, z } from '../src/plugin.ts';
import { mannersFor, type Wish } from './progress/clients.ts';
import { Quota } from './progress/quota.ts';
import { shorten } from './progress/shorten.ts';
import { type Highest, type Pace, Updates } from './progress/updates.ts';

/** A duration, or none. What is wrong with it is said of the duration. */
const silence = (description: string) =>
  z.union([z.literal('off'), duration('20s', { description }, 1_000).unwrap()], {
    error: ({ errors }) => (errors as { message: string }[][] | undefined)?.at(-1)?.[0]?.message,
  });

const OTHER = 'As `heartbeat`, for this client.';

/** The options of one client. */
const wish: z.ZodType<Wish, unknown> = z.strictObject({
  heartbeat: silence(OTHER).optional().meta({ description: OTHER }),
  percent: z
    .boolean()
    .optional()
    .meta({ description: 'Whether the text of a heartbeat says how far the call is.' }),
});

const SILENCE =
  'Longest silence toward a client that gave a progress token: after it, the client is told what its call waits for. A client that is known to give up is told in a third of its time. `off` for none.';

const schema = z.strictObject({
  every: duration('100ms', {
    description:
      'Least time between two updates of a call. The newest update waits; those it replaces are left out.',
  }),
  message_max: z
    .int()
    .min(1)
    .meta({
      description: 'Longest message of an update, in characters. A longer one is cut and ends in `…`.',
      examples: [200],
    })
    .prefault(200),
  per_principal: z
    .number()
    .min(1)
    .meta({
      description:
        'Most updates a second of all calls of one principal together. Beyond that only the newest of each call waits, and goes out when there is room or with the result.',
      examples: [500],
    })
    .prefault(500),
  heartbeat: silence(SILENCE)
    .meta({ description: SILENCE, examples: ['20s'] })
    .prefault('20s'),
  clients: z
    .record(z.string(), wish)
    .meta({
      description:
        'What is different for clients, by the name they give themselves, in any case; `*` at the end stands for any rest. The first that fits counts, before what is known of clients.',
    })
    .optional(),
});

export default definePlugin({
  name: 'progress',
  api: 1,
  about:
    'Limits how often a call reports progress, and breaks silence before a client gives up; the last update before the result always arrives.',
  schema,
  setup({ every, message_max, per_principal: rate, heartbeat, clients = {} }, host) {
    const quota = host.keep('quota v1', () => new Quota());
    const overQuota = (): void => host.limitHit('progress_per_principal');
    const pace: Pace = { every, rate, quota, log: host.log, now: host.now, overQuota };
    const manners = mannersFor(clients, heartbeat);
    const exchanges = new WeakMap<Exchange, Updates>();
    /** The rounds of a call are exchanges of their own and share its signal, as they share the client's token. */
    const calls = new WeakMap<AbortSignal, Highest>();
    const updatesOf = (x: Exchange, emit: Emit): Updates => {
      const highest: Highest = calls.get(x.signal) ?? new Map();
      const updates = exchanges.get(x) ?? new Updates(pace, x, emit, highest);
      calls.set(x.signal, highest);
      exchanges.set(x, updates);
      return updates;
    };

    return {
      streams: true,
      onRequest(request, x) {
        if (request.meta.progressToken === undefined) return;
        const { every: silence, percent } = manners(x.client.info?.string('name'));
        if (silence !== 'off') x.reassure({ every: silence, percent });
      },
      onNotification(note, x, emit) {
        if (note.method !== 'notifications/progress') return undefined;
        const progress = note.raw?.get('progress');
        if (typeof progress !== 'number') return undefined;
        return updatesOf(x, emit).take(shorten(note, message_max), progress);
      },
      onResult(_result, x) {
        const updates = exchanges.get(x);
        if (!updates) return undefined;
        const sending = updates.finish();
        // Not a failure of this plugin if the client is slow, nor if it goes away meanwhile.
        return sending.length === 0 ? undefined : x.hold(Promise.all(sending)).then(nothing, nothing);
      },
      onClose: (x) => exchanges.get(x)?.end(),
    };
  },
});

const nothing = (): undefined => undefined;
