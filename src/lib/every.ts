// Something to be done again and again, in spans that may change.

/**
 * @param ms asked anew before each span
 * @returns ends it
 */
export function every(ms: () => number, run: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const arm = (): void => {
    timer = setTimeout(() => {
      // First, so that a run that throws is not the last.
      arm();
      run();
    }, ms());
  };
  arm();
  return () => clearTimeout(timer);
}
