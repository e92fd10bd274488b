// "Did you mean": the nearest of some known words. Knows nothing of where the words come from.

/** Letters and digits only, lower case: `firstByte`, `first_byte` and `first-byte` are one word. */
function bare(word: string): string {
  return word.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/**
 * Edits between two words, where a swap of two neighbours counts as one (optimal string alignment).
 * Cost is length × length: callers cap what they pass.
 */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let least = Math.min(
        (above[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) least = Math.min(least, (before[column - 2] ?? 0) + 1);
      current.push(least);
    }
    before = above;
    above = current;
  }
  return above[b.length] ?? 0;
}

/**
 * The known word a person most likely meant.
 * @returns the nearest of `known` within one edit per three letters (at least one, at most `most`), else `undefined`.
 */
export function suggest(word: string, known: Iterable<string>, most = 8): string | undefined {
  const wanted = bare(word);
  if (wanted === '' || wanted.length > 64) return undefined;
  const allowed = Math.min(most, Math.max(1, Math.floor(wanted.length / 3)));
  let best: string | undefined;
  let least = allowed + 1;
  for (const candidate of known) {
    const edits = distance(wanted, bare(candidate).slice(0, 96));
    if (edits < least) {
      best = candidate;
      least = edits;
    }
  }
  return best;
}
