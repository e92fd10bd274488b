// The deadlines of one call at an upstream: first sign of life, silence after it, and all in all.

export type Deadline = 'first_byte' | 'idle' | 'total';

export interface Clock {
  /** Resolves with the first deadline that passes. */
  readonly expired: Promise<Deadline>;
  /** A sign of life: `idle` begins anew, `total` never does. */
  touch(): void;
  stop(): void;
}

/** All in milliseconds. */
export interface Deadlines {
  readonly firstByte: number;
  readonly idle: number;
  readonly total: number;
}

/** @param heldUp whether the client has yet to take what came: meanwhile nobody is silent */
export function startClock({ firstByte, idle, total }: Deadlines, heldUp = (): boolean => false): Clock {
  const { promise, resolve } = Promise.withResolvers<Deadline>();
  const end = setTimeout(resolve, total, 'total');
  let alive: number | undefined;
  // Looks when time could be up, instead of arming a timer anew for every event of a fast stream.
  const look = (): void => {
    if (alive !== undefined && heldUp()) alive = performance.now();
    const rest = alive === undefined ? 0 : idle - (performance.now() - alive);
    if (rest <= 0) resolve(alive === undefined ? 'first_byte' : 'idle');
    else silence = setTimeout(look, rest);
  };
  let silence = setTimeout(look, firstByte);
  return {
    expired: promise,
    touch() {
      if (alive === undefined) {
        clearTimeout(silence);
        silence = setTimeout(look, idle);
      }
      alive = performance.now();
    },
    stop() {
      clearTimeout(silence);
      clearTimeout(end);
    },
  };
}
