// Values that outlive a generation: made once, held by every generation that asks for them, disposed when the
// last of these is gone.

interface Kept {
  readonly value: unknown;
  readonly dispose: (() => void | Promise<void>) | undefined;
  holders: number;
}

export interface Scope {
  /** The value of a key, made if nobody holds it yet. */
  keep<T>(key: string, make: () => T, dispose?: (value: T) => void | Promise<void>): T;
  /** Gives back all that this scope holds. */
  release(): Promise<void>;
}

export class Keeper {
  readonly #kept = new Map<string, Kept>();

  get size(): number {
    return this.#kept.size;
  }

  /** One for each generation. */
  scope(): Scope {
    const mine = new Set<string>();
    return {
      keep: <T>(key: string, make: () => T, dispose?: (value: T) => void | Promise<void>): T => {
        const kept = this.#kept.get(key) ?? this.#make(key, make, dispose);
        if (!mine.has(key)) kept.holders++;
        mine.add(key);
        return kept.value as T;
      },
      release: async () => {
        const over = [...mine].map((key) => this.#release(key));
        mine.clear();
        await Promise.all(over);
      },
    };
  }

  #make<T>(key: string, make: () => T, dispose: ((value: T) => void | Promise<void>) | undefined): Kept {
    const value = make();
    const kept: Kept = { value, dispose: dispose && (() => dispose(value)), holders: 0 };
    this.#kept.set(key, kept);
    return kept;
  }

  async #release(key: string): Promise<void> {
    const kept = this.#kept.get(key);
    if (!kept || --kept.holders > 0) return;
    this.#kept.delete(key);
    await kept.dispose?.();
  }
}
