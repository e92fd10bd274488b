// Whether two rows of figures differ by more than chance. Both numbers are about normal where they do not: beyond 4 or
// so either way, they do.

export function medianOf(all: readonly number[]): number {
  const sorted = all.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] =
    sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : sorted.slice(middle - 1);
  return (low + high) / 2;
}

/** Welch's t of the means, without the slowest hundredth of either: a pause of the machine is no figure of ours. */
export function welch(one: readonly number[], other: readonly number[]): number {
  const [a, b] = [momentsOf(one), momentsOf(other)];
  return (a.mean - b.mean) / Math.sqrt(a.variance / a.count + b.variance / b.count);
}

function momentsOf(all: readonly number[]): { mean: number; variance: number; count: number } {
  const kept = all.toSorted((a, b) => a - b).slice(0, Math.ceil(all.length * 0.99));
  const count = kept.length;
  const mean = kept.reduce((sum, each) => sum + each, 0) / count;
  const variance = kept.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (count - 1);
  return { mean, variance, count };
}

/** z of the Mann–Whitney test: whether figures of the one are above those of the other more often than below. */
export function rankSum(one: readonly number[], other: readonly number[]): number {
  const all = [
    ...one.map((value) => ({ value, own: true })),
    ...other.map((value) => ({ value, own: false })),
  ];
  all.sort((a, b) => a.value - b.value);
  let [sum, ties] = [0, 0];
  for (let at = 0; at < all.length; ) {
    let end = at;
    while (end < all.length && all[end]?.value === all[at]?.value) end++;
    const rank = (at + 1 + end) / 2;
    sum += rank * all.slice(at, end).filter(({ own }) => own).length;
    ties += (end - at) ** 3 - (end - at);
    at = end;
  }
  const [m, n] = [one.length, other.length];
  const total = m + n;
  const u = sum - (m * (m + 1)) / 2;
  const spread = ((m * n) / 12) * (total + 1 - ties / (total * (total - 1)));
  return (u - (m * n) / 2) / Math.sqrt(spread);
}
