// The kinds of callers that principals come as. What a client can do it says itself, and whatever it makes up would be
// a kind of its own: of each principal, only so many are known.

/** Keys of what is held, by principal and kind; that which was used last is the last. */
export class Kinds {
  readonly #known = new Map<string, Map<string, Set<string>>>();

  /**
   * Says that something of a kind is used.
   * @param most kinds of one principal
   * @returns keys of the kinds that are one too many now
   */
  use(whose: string, kind: string, key: string, most: number): string[] {
    const kinds = this.#known.get(whose) ?? new Map<string, Set<string>>();
    this.#known.set(whose, kinds);
    const keys = kinds.get(kind) ?? new Set<string>();
    kinds.delete(kind);
    kinds.set(kind, keys.add(key));
    const over = [...kinds].slice(0, Math.max(0, kinds.size - most));
    return over.flatMap(([, theirs]) => [...theirs]);
  }

  /** It is held no more. */
  forget(whose: string, kind: string, key: string): void {
    const kinds = this.#known.get(whose);
    const keys = kinds?.get(kind);
    keys?.delete(key);
    if (keys?.size === 0) kinds?.delete(kind);
    if (kinds?.size === 0) this.#known.delete(whose);
  }
}
