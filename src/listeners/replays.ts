// The streams of sessions that can be resumed, and how much is kept of them: for one stream, one session, all.

import type { Host } from '../core/host.ts';
import { Replay, type ReplayOptions } from './replay.ts';
import type { ListenerLimits } from './serving.ts';
import type { Session } from './session.ts';

type Limits = Pick<
  ListenerLimits,
  'resumeEvents' | 'resumeBytes' | 'resumeSessionBytes' | 'resumeTtl' | 'resumeRetry' | 'streamBuffer'
>;

/** Streams that compete for the same bytes. In both sets the one longest without a reader comes first. */
class Shelf {
  bytes = 0;
  /** Ended, and taken to the last byte: kept only in case that byte got lost on its way. */
  readonly delivered = new Set<Replay>();
  /** Without a reader, and something may be missing there. */
  readonly waiting = new Set<Replay>();
}

/** The streams of one session, by name. */
class Own extends Shelf {
  readonly streams = new Map<string, Replay>();
}

/** What a stream without a reader costs beside its events: objects, and what the runtime holds of its connection. */
const STREAM = 4_096;

/** Since when a client of this revision takes an event without data for what it is; older ones parse it. */
const PRIMED_SINCE = '2025-11-25';

export class Replays {
  readonly #host: Host;
  readonly #limits: () => Limits;
  readonly #all = new Shelf();
  readonly #sessions = new WeakMap<Session, Own>();
  /** Whose it is, and since when nobody reads it. */
  readonly #held = new WeakMap<Replay, { readonly own: Own; readonly since: number }>();

  constructor(host: Host, limits: () => Limits) {
    this.#host = host;
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#all.bytes;
  }

  /** A new stream of a session; its first connection is there. */
  open(session: Session, options: Pick<ReplayOptions, 'kind' | 'request' | 'headers'>): Replay {
    const own = this.#sessions.get(session) ?? this.#begin(session);
    // A client that opens a new standing stream does not come back to an old one.
    if (options.kind === 'standing') {
      for (const old of own.streams.values()) if (old.kind === 'standing') this.#forget(own, old);
    }
    const { streamBuffer, resumeEvents, resumeRetry } = this.#limits();
    const replay: Replay = new Replay(
      {
        ...options,
        primes: session.client.version >= PRIMED_SINCE,
        retry: resumeRetry,
        notes: resumeEvents,
        buffer: streamBuffer,
      },
      {
        grew: (of, bytes) => this.#grew(own, of, bytes),
        moved: (of) => this.#moved(own, of),
      },
    );
    // A session that has ended keeps nothing any more.
    if (session.over) replay.forget(true);
    else own.streams.set(replay.name, replay);
    return replay;
  }

  /** A stream that this session had. */
  find(session: Session, name: string): Replay | undefined {
    return this.#sessions.get(session)?.streams.get(name);
  }

  /** Gives up what nobody has come back for. */
  sweep(): void {
    const since = this.#host.now() - this.#limits().resumeTtl;
    for (const set of [this.#all.delivered, this.#all.waiting]) {
      for (const replay of set) {
        if ((this.#held.get(replay)?.since ?? 0) > since) break;
        this.#drop(replay);
      }
    }
  }

  #begin(session: Session): Own {
    const own = new Own();
    this.#sessions.set(session, own);
    const end = (): void => {
      for (const replay of [...own.streams.values()]) this.#forget(own, replay);
    };
    session.client.session?.ended.addEventListener('abort', end, { once: true });
    return own;
  }

  #moved(own: Own, replay: Replay): void {
    this.#takeDown(own, replay);
    this.#held.set(replay, { own, since: this.#host.now() });
    if (replay.attached || own.streams.get(replay.name) !== replay) return;
    for (const shelf of [own, this.#all]) (replay.delivered ? shelf.delivered : shelf.waiting).add(replay);
    this.#grew(own, replay, STREAM);
  }

  #takeDown(own: Own, replay: Replay): void {
    if (!this.#all.delivered.has(replay) && !this.#all.waiting.has(replay)) return;
    for (const shelf of [own, this.#all]) {
      shelf.delivered.delete(replay);
      shelf.waiting.delete(replay);
    }
    this.#grew(own, replay, -STREAM);
  }

  #grew(own: Own, replay: Replay, bytes: number): void {
    own.bytes += bytes;
    this.#all.bytes += bytes;
    this.#host.metrics.resumeBytes.inc(bytes);
    if (bytes <= 0) return;
    const { resumeSessionBytes, resumeBytes } = this.#limits();
    this.#shrink(own, resumeSessionBytes, 'resume_session_bytes', replay);
    this.#shrink(this.#all, resumeBytes, 'resume_bytes', replay);
  }

  /** Makes room on a shelf: first what was delivered, then notifications of this stream, then what waits longest. */
  #shrink(shelf: Shelf, max: number, limit: string, replay: Replay): void {
    while (shelf.bytes > max) {
      const [delivered] = shelf.delivered;
      if (delivered) {
        this.#drop(delivered);
        continue;
      }
      this.#host.metrics.limitHits.inc({ limit });
      if (replay.dropNote() > 0) continue;
      const [first, second] = shelf.waiting;
      const other = first === replay ? second : first;
      if (other) this.#drop(other);
      else {
        replay.forget(false);
        return;
      }
    }
  }

  #drop(replay: Replay): void {
    const held = this.#held.get(replay);
    if (held) this.#forget(held.own, replay);
  }

  #forget(own: Own, replay: Replay): void {
    own.streams.delete(replay.name);
    this.#takeDown(own, replay);
    replay.forget(true);
  }
}
