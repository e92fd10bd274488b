// A pause that ends early, by rejecting, when its signal is raised. Its timer never holds the process open.

/** Resolves after `ms`; rejects with the signal's reason as soon as it is aborted, with no timer left behind. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    timer.unref();
    signal.addEventListener('abort', stop, { once: true });
  });
}
