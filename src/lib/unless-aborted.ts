// Waiting that ends early when a signal says so.

/** `promise`, unless the signal aborts first. @throws the signal's reason then */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: first, resolve, reject } = Promise.withResolvers<T>();
  const stop = (): void => reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  promise.then(
    (value) => {
      signal.removeEventListener('abort', stop);
      resolve(value);
    },
    (error: unknown) => {
      signal.removeEventListener('abort', stop);
      reject(error);
    },
  );
  return first;
}
