// So many in so much time, and how many were too many. Knows nothing of what is counted.

/**
 * @param count how many pass in each `per` milliseconds
 * @param now milliseconds
 * @returns asks to pass: how many were turned away since the last one that passed, or undefined when this one is
 */
export function createBudget(count: number, per: number, now: () => number): () => number | undefined {
  let began = Number.NEGATIVE_INFINITY;
  let passed = 0;
  let turnedAway = 0;
  return () => {
    // Also where a clock was set back.
    if (Math.abs(now() - began) >= per) {
      began = now();
      passed = 0;
    }
    if (passed >= count) {
      turnedAway++;
      return undefined;
    }
    passed++;
    const before = turnedAway;
    turnedAway = 0;
    return before;
  };
}
