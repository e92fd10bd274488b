// A value that may be used but never shown. Must not know where it came from beyond the text of its reference.

const inspect = Symbol.for('nodejs.util.inspect.custom');

/** What stands in every dump for a secret that was written out in the file. */
export const MASK = '••••';

/**
 * Holds a string that no log, dump, diff or error may print: `toString`, `toJSON` and both inspectors give
 * the reference it was read from (`${env:X}`), or `••••` when it stood in the file itself.
 */
export class Secret {
  readonly #value: string;
  readonly #reference: string;

  private constructor(value: string, reference: string) {
    this.#value = value;
    this.#reference = reference;
  }

  /** `reference` is the text to show: the source with its `${…}` unread. Without one, `••••` is shown. */
  static of(value: string, reference: string = MASK): Secret {
    return new Secret(value, reference);
  }

  /** The value itself. Call it where the bytes leave, and nowhere before. */
  reveal(): string {
    return this.#value;
  }

  /** Whether both hold the same value; neither is shown. */
  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return this.#reference;
  }

  toJSON(): string {
    return this.#reference;
  }

  [inspect](): string {
    return this.#reference;
  }
}
