// Waiting with a bound.

/** Resolves when `work` settles or after `ms`, whichever is first. Never rejects for `work`. */
export async function settledWithin(work: Promise<unknown>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  try {
    await Promise.race([work.then(() => {}, () => {}), promise]);
  } finally {
    clearTimeout(timer);
  }
}
