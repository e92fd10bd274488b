// A bell at a time of day, which may be put off before it rings.

/** The longest wait a timer can hold. */
const LONGEST = 2_147_483_647;

/**
 * Rings once when `due` has come. That is asked anew whenever the time seems up, so that it may have become later.
 * Nothing rings where it is undefined.
 * @param due and `now` in milliseconds since the epoch
 * @returns ends it
 */
export function alarm(due: () => number | undefined, now: () => number, ring: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const arm = (): void => {
    const at = due();
    if (at === undefined) return;
    const rest = at - now();
    if (rest <= 0) ring();
    else timer = setTimeout(arm, Math.min(rest, LONGEST));
  };
  arm();
  return () => clearTimeout(timer);
}
