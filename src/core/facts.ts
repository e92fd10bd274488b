// Typed, write-once notes on an exchange: how plugins tell each other things.

declare const type: unique symbol;

/** A key for `exchange.get` and `exchange.set`. Two facts are the same only if they are the same object. */
export interface Fact<T> {
  readonly name: string;
  readonly [type]?: T;
}

export function fact<T>(name: string): Fact<T> {
  return { name };
}

/** Facts of one exchange; a leg reads through to the exchange it belongs to. */
export class Facts {
  readonly #own = new Map<Fact<unknown>, unknown>();
  readonly #parent: Facts | undefined;

  constructor(parent?: Facts) {
    this.#parent = parent;
  }

  get<T>(key: Fact<T>): T | undefined {
    if (this.#own.has(key)) return this.#own.get(key) as T;
    return this.#parent?.get(key);
  }

  /** @throws Error when the fact is set already: later plugins must not rewrite what earlier ones decided. */
  set<T>(key: Fact<T>, value: T): void {
    if (this.get(key) !== undefined) throw new Error(`the fact "${key.name}" is already set`);
    this.#own.set(key, value);
  }
}
