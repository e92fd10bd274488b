// Waiting with a bound.

/** Whether `work` settles within `ms`. Never rejects for `work`. */
export async function settledWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, ms, false);
  const settled = (): boolean => true;
  try {
    return await Promise.race([work.then(settled, settled), promise]);
  } finally {
    clearTimeout(timer);
  }
}
