// Places of a concurrency limit: so many at once for each key, those who wait in a fair order. Every place is given back
// once, whoever ends it and however often. Must not know calls.

import { FairQueue, type Waiter } from './fair.ts';

/** A place that is held. */
export interface Place {
  /** Gives it back; a second time does nothing. */
  leave(): void;
}

export interface PlaceOptions {
  readonly most: number;
  /** Most that one tenant has. */
  readonly share: number;
  readonly queue: { readonly length: number; readonly timeout: number } | undefined;
}

export interface Comer {
  readonly tenant: string;
  readonly principal: string;
  readonly cost: number;
}

/** Why there is no place. */
export type NoPlace = 'full' | 'queue_full' | 'late' | 'pushed_out';

interface Waiting {
  readonly resolve: (place: Place | NoPlace) => void;
  readonly timer: Timer;
}

interface Room {
  held: number;
  readonly byTenant: Map<string, number>;
  readonly queue: FairQueue<Waiting>;
}

export class Places {
  options: PlaceOptions;
  readonly #rooms = new Map<string, Room>();
  #queued = 0;
  #held = 0;

  constructor(options: PlaceOptions) {
    this.options = options;
  }

  get queued(): number {
    return this.#queued;
  }

  get held(): number {
    return this.#held;
  }

  /** How it stands with each key. */
  rooms(): { readonly key: string; readonly held: number; readonly queued: number }[] {
    return [...this.#rooms].map(([key, { held, queue }]) => ({ key, held, queued: queue.size }));
  }

  /**
   * @param signal of who waits: with it, waiting ends; without one nobody waits
   * @returns a place, why there is none, or what is waited for
   */
  enter(
    key: string,
    comer: Comer,
    signal: AbortSignal | undefined,
  ): Place | NoPlace | Promise<Place | NoPlace> {
    const room = this.#room(key);
    if (room.queue.size === 0 && this.#hasRoom(room, comer.tenant))
      return this.#give(key, room, comer.tenant);
    const { queue } = this.options;
    const waiting = queue && signal?.aborted === false ? this.#wait(key, room, comer, signal, queue) : 'full';
    this.#forget(key, room);
    return waiting;
  }

  /** A place whatever is free: of one who goes on. */
  force(key: string, { tenant }: Comer): Place {
    return this.#give(key, this.#room(key), tenant);
  }

  /** After other options: who waits may have a place now. */
  renew(): void {
    for (const [key, room] of this.#rooms) this.#admit(key, room);
  }

  #wait(
    key: string,
    room: Room,
    comer: Comer,
    signal: AbortSignal,
    { length, timeout }: NonNullable<PlaceOptions['queue']>,
  ): Promise<Place | NoPlace> | NoPlace {
    if (room.queue.size >= length) {
      const victim = room.queue.victim(comer.tenant, comer.principal);
      if (!victim) return 'queue_full';
      this.#end(key, room, victim, 'pushed_out');
    }
    const { promise, resolve } = Promise.withResolvers<Place | NoPlace>();
    const timer = setTimeout(() => this.#end(key, room, waiter, 'late'), timeout);
    const waiter: Waiter<Waiting> = { ...comer, value: { resolve, timer } };
    room.queue.push(waiter);
    this.#queued++;
    const gone = (): void => this.#end(key, room, waiter, 'late');
    signal.addEventListener('abort', gone, { once: true });
    // Others may have room although this one's tenant has none, and the other way round.
    this.#admit(key, room);
    return promise.finally(() => signal.removeEventListener('abort', gone));
  }

  #end(key: string, room: Room, waiter: Waiter<Waiting>, why: NoPlace): void {
    if (!room.queue.remove(waiter)) return;
    this.#over(waiter, why);
    this.#forget(key, room);
  }

  #over({ value: { resolve, timer } }: Waiter<Waiting>, how: Place | NoPlace): void {
    clearTimeout(timer);
    this.#queued--;
    resolve(how);
  }

  #give(key: string, room: Room, tenant: string): Place {
    room.held++;
    this.#held++;
    room.byTenant.set(tenant, (room.byTenant.get(tenant) ?? 0) + 1);
    let isLeft = false;
    return {
      leave: () => {
        if (isLeft) return;
        isLeft = true;
        room.held--;
        this.#held--;
        const left = (room.byTenant.get(tenant) ?? 1) - 1;
        if (left > 0) room.byTenant.set(tenant, left);
        else room.byTenant.delete(tenant);
        this.#admit(key, room);
        this.#forget(key, room);
      },
    };
  }

  #admit(key: string, room: Room): void {
    for (;;) {
      const next =
        room.held < this.options.most ? room.queue.next((tenant) => this.#hasRoom(room, tenant)) : undefined;
      if (!next) return;
      this.#over(next, this.#give(key, room, next.tenant));
    }
  }

  #hasRoom({ held, byTenant }: Room, tenant: string): boolean {
    const { most, share } = this.options;
    return held < most && (byTenant.get(tenant) ?? 0) < share;
  }

  #room(key: string): Room {
    const room = this.#rooms.get(key) ?? { held: 0, byTenant: new Map(), queue: new FairQueue<Waiting>() };
    this.#rooms.set(key, room);
    return room;
  }

  /** Nobody is in it, nobody waits: it would be the same made anew. */
  #forget(key: string, room: Room): void {
    if (room.held === 0 && room.queue.size === 0 && this.#rooms.get(key) === room) this.#rooms.delete(key);
  }
}
