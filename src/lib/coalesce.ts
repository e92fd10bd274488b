// One run at a time: whoever asks while one runs shares the next.

/** @param run never rejects */
export function coalesce<T>(run: () => Promise<T>): () => Promise<T> {
  let current: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  return () => {
    next ??= current.then(() => {
      current = next ?? current;
      next = undefined;
      return run();
    });
    return next;
  };
}
