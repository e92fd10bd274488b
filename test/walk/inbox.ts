// Messages as they come, for a script that takes them one by one.

export interface Message {
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: messages of every shape
  readonly body: any;
}

export function messageOf(text: string): Message {
  return { text, body: JSON.parse(text) };
}

export class Inbox<T> {
  readonly #waiting: T[] = [];
  #closed = false;
  #wake = Promise.withResolvers<void>();

  put(item: T): void {
    this.#waiting.push(item);
    this.#rouse();
  }

  /** Nothing more will come. */
  close(): void {
    this.#closed = true;
    this.#rouse();
  }

  /** The first that fits; without a test the very next. Undefined once it is closed and there is none. */
  async take(fits: (item: T) => boolean = () => true): Promise<T | undefined> {
    for (;;) {
      const index = this.#waiting.findIndex(fits);
      if (index >= 0) return this.#waiting.splice(index, 1)[0];
      if (this.#closed) return undefined;
      await this.#wake.promise;
    }
  }

  /** Resolves when nothing more will come. */
  async over(): Promise<void> {
    while (!this.#closed) await this.#wake.promise;
  }

  /** What nobody has taken. */
  get rest(): readonly T[] {
    return this.#waiting;
  }

  #rouse(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
