// Progress at a pace people can follow: bursts are thinned out, the newest always arrives, nothing goes back.
// Must not know wires: which call a notification belongs to is settled before it comes here.

import {
  definePlugin,
  duration,
  type Emit,
  type Exchange,
  type Log,
  type McpNotification,
  z,
} from '../src/plugin.ts';

const schema = z.strictObject({
  every: duration('100ms', {
    description:
      'Least time between two updates of a call. The newest update waits; those it replaces are left out.',
  }),
  message_max: z
    .int()
    .min(1)
    .meta({
      description: 'Longest message of an update, in UTF-16 units. A longer one is cut and ends in `…`.',
      examples: [200],
    })
    .prefault(200),
});

interface Pace {
  /** Milliseconds. */
  readonly every: number;
  readonly log: Log;
  now(): number;
}

/** What is known of one progress token. */
interface Track {
  sentAt: number;
  /** The newest update, while it waits. */
  held?: McpNotification | undefined;
  timer?: Timer | undefined;
  /** The client's backpressure for what a timer sent. */
  sending?: Promise<void> | undefined;
  hasGoneBack?: boolean;
}

/** The highest value so far, by token as JSON text: `1` and `"1"` are two. */
type Highest = Map<string, number>;

/** The updates of one exchange. */
class Updates {
  readonly #tracks = new Map<string, Track>();
  #isOver = false;

  constructor(
    readonly pace: Pace,
    readonly x: Exchange,
    readonly emit: Emit,
    readonly highest: Highest,
  ) {}

  /** @returns the update to pass on now, or null when it waits or is left out */
  take(note: McpNotification, progress: number): McpNotification | null {
    if (this.#isOver) return null;
    const token = note.raw?.raw('progressToken') ?? '';
    const track = this.#track(token);
    const highest = this.highest.get(token) ?? Number.NEGATIVE_INFINITY;
    if (progress < highest) return this.#goneBack(track, highest, progress);
    this.highest.set(token, progress);
    if (!track.held && !track.sending && this.#rest(track) <= 0) {
      track.sentAt = this.pace.now();
      return note;
    }
    track.held = note;
    this.#wait(track);
    return null;
  }

  /** The result is here: sends what waits. @returns what has to be waited for before the result may go */
  finish(): Promise<void>[] {
    this.end();
    return [...this.#tracks.values()].flatMap((track) => {
      const before = track.sending ?? [];
      if (track.held) this.#send(track);
      return [before, track.sending ?? []].flat();
    });
  }

  /** No timer runs and nothing is sent from here on. */
  end(): void {
    this.#isOver = true;
    for (const track of this.#tracks.values()) clearTimeout(track.timer);
  }

  #track(token: string): Track {
    const known = this.#tracks.get(token);
    if (known) return known;
    const track = { sentAt: Number.NEGATIVE_INFINITY };
    this.#tracks.set(token, track);
    return track;
  }

  /** Milliseconds until the next update may go; a wall clock that was set back must not stop them. */
  #rest(track: Track): number {
    return Math.min(this.pace.every, track.sentAt + this.pace.every - this.pace.now());
  }

  #wait(track: Track): void {
    if (this.#isOver || track.timer || track.sending) return;
    track.timer = setTimeout(() => this.#send(track), Math.max(0, this.#rest(track)));
  }

  #send(track: Track): void {
    const { held } = track;
    track.timer = undefined;
    track.held = undefined;
    if (!held || this.x.signal.aborted) return;
    track.sentAt = this.pace.now();
    const sending = this.#quietly(held)?.then(() => {
      if (track.sending === sending) track.sending = undefined;
      if (track.held) this.#wait(track);
    });
    track.sending = sending;
  }

  /** Progress that cannot be delivered is no reason to fail a call. */
  #quietly(note: McpNotification): Promise<void> | undefined {
    const failed = (error: unknown): void =>
      this.pace.log.debug('progress not delivered', { requestId: this.x.id, error: String(error) });
    try {
      return this.emit(note)?.catch(failed);
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  #goneBack(track: Track, from: number, to: number): null {
    // Once per token is enough to find the server that does it, and does not fill the log.
    const level = track.hasGoneBack ? 'debug' : 'warn';
    track.hasGoneBack = true;
    this.pace.log[level]('progress went back, left out', { requestId: this.x.id, from, to });
    return null;
  }
}

export default definePlugin({
  name: 'progress',
  api: 1,
  about: 'Limits how often a call reports progress; the last update before the result always arrives.',
  schema,
  setup({ every, message_max }, host) {
    const pace: Pace = { every, log: host.log, now: host.now };
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

/** A copy whose message is no longer than `most`, cut between two characters; else the very same. */
function shorten(note: McpNotification, most: number): McpNotification {
  const message = note.raw?.string('message');
  if (message === undefined || message.length <= most) return note;
  const last = message.charCodeAt(most - 2);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  return note.with({ message: `${message.slice(0, most - (isHalf ? 2 : 1))}…` });
}
