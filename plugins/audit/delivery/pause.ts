// Waiting that can be cut short.

/** Resolves after so many milliseconds, or when the signal says so; the process does not stay alive for it. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const over = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    timer.unref();
    signal.addEventListener('abort', over);
  });
}
