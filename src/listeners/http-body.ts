// The body of a request, whole and within limits of size and time, as strictly decoded text.

import { decodeUtf8 } from '../protocol/raw.ts';

/** Bytes, bytes per second and milliseconds. */
export interface BodyLimits {
  readonly body: number;
  readonly bodyTimeout: number;
  readonly bodyIdle: number;
  readonly bodyRate: number;
}

/** Which of its limits a body was too slow for, as the configuration calls it. */
export type Slow = 'body_timeout' | 'body_idle' | 'body_rate';

export type BodyFault =
  | { readonly fault: 'TOO_LARGE' | 'PARSE' }
  | { readonly fault: 'BODY_TIMEOUT'; readonly slow: Slow };

/**
 * A body that states no more than this is read in one piece, which costs half as much. When its bytes arrive is not
 * seen then, so that all of it has the time that otherwise one pause has.
 */
const SMALL = 64 * 1_024;

/** @returns the text, with a byte order mark where it came with one; or what is wrong with the body */
export async function readBody(request: Request, limits: BodyLimits): Promise<string | BodyFault> {
  const stated = Number(request.headers.get('content-length') ?? Number.NaN);
  if (stated > limits.body) return { fault: 'TOO_LARGE' };
  const bytes = await (stated <= SMALL ? small(request, limits) : large(request, limits));
  if (bytes === 'large') return { fault: 'TOO_LARGE' };
  if (bytes === 'broken') return { fault: 'PARSE' };
  if (typeof bytes === 'string') return { fault: 'BODY_TIMEOUT', slow: bytes };
  try {
    return decodeUtf8(bytes, 'keep');
  } catch {
    return { fault: 'PARSE' };
  }
}

type Read = Uint8Array | 'large' | 'broken' | Slow;

async function small(request: Request, { body, bodyTimeout, bodyIdle }: BodyLimits): Promise<Read> {
  const { promise, resolve } = Promise.withResolvers<Slow>();
  const slow = bodyIdle < bodyTimeout ? 'body_idle' : 'body_timeout';
  const timer = setTimeout(resolve, Math.min(bodyIdle, bodyTimeout), slow);
  try {
    const bytes = await Promise.race([request.bytes(), promise]);
    return typeof bytes !== 'string' && bytes.length > body ? 'large' : bytes;
  } catch {
    return 'broken';
  } finally {
    clearTimeout(timer);
  }
}

/** Counted as it comes. */
async function large(request: Request, limits: BodyLimits): Promise<Read> {
  const watch = watchArrival(limits);
  try {
    return await Promise.race([pieces(request, limits.body, watch.came), watch.slow]);
  } finally {
    watch.stop();
  }
}

async function pieces(request: Request, most: number, came: (bytes: number) => void): Promise<Read> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of request.body ?? []) {
      size += part.length;
      if (size > most) return 'large';
      came(part.length);
      parts.push(part);
    }
  } catch {
    return 'broken';
  }
  return Buffer.concat(parts);
}

/** Looks when time could be up, instead of arming a timer for every piece. */
function watchArrival({ bodyTimeout, bodyIdle, bodyRate }: BodyLimits) {
  const { promise, resolve } = Promise.withResolvers<Slow>();
  const began = performance.now();
  let last = began;
  let size = 0;
  const look = (): void => {
    const now = performance.now();
    const rest = last + bodyIdle - now;
    if (rest <= 0) resolve('body_idle');
    else if (size < (bodyRate * (now - began)) / 1_000) resolve('body_rate');
    else silence = setTimeout(look, rest);
  };
  let silence = setTimeout(look, bodyIdle);
  const end = setTimeout(resolve, bodyTimeout, 'body_timeout' as const);
  return {
    /** Resolves when it is too slow. */
    slow: promise,
    came(bytes: number): void {
      size += bytes;
      last = performance.now();
    },
    stop(): void {
      clearTimeout(silence);
      clearTimeout(end);
    },
  };
}
