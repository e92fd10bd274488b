// A deadline for a hook. Rests while the exchange is held for something slow.

import type { Exchange } from './exchange.ts';

/** A hold is noticed between two of so many parts of the deadline, so it ends late by two of them at most. */
const SLICES = 20;

/**
 * `value`, or its settlement within `ms`. What is not a promise costs nothing.
 * @throws Error when time is up; the signal's reason when the exchange is cancelled first
 */
export function within<T>(
  value: T | PromiseLike<T>,
  ms: number,
  x: Pick<Exchange, 'signal' | 'held'>,
): T | Promise<T> {
  if (!isPromise(value)) return value;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const onAbort = (): void => reject(x.signal.reason);
  const slice = Math.max(1, Math.ceil(ms / SLICES));
  let left = ms;
  let timer: Timer | undefined;
  const arm = (): void => {
    const wasHeld = x.held;
    const part = Math.min(slice, left);
    timer = setTimeout(() => {
      if (!wasHeld && !x.held) left -= part;
      if (left > 0) arm();
      else reject(new Error(`took longer than ${ms} ms`));
    }, part);
  };
  arm();
  x.signal.addEventListener('abort', onAbort, { once: true });
  value.then(resolve, reject);
  return promise.finally(() => {
    clearTimeout(timer);
    x.signal.removeEventListener('abort', onAbort);
  });
}

/** Whether it has to be waited for: any thenable, as `await` sees it. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
