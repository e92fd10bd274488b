// The newest entries, in memory, for all sinks of a log: who keeps up needs no file, and has them even if the file is
// taken away.

export class Recent {
  #lines: string[] = [];
  #first = 1;

  constructor(
    /** How many are kept. */
    public most: number,
    /** The last entry that is on disk when this begins. */
    last: number,
  ) {
    this.#first = last + 1;
  }

  /** The last entry that is on disk. */
  get last(): number {
    return this.#first + this.#lines.length - 1;
  }

  add(lines: readonly string[], first: number): void {
    if (first !== this.last + 1) {
      this.#lines = [];
      this.#first = first;
    }
    this.#lines.push(...lines);
    // Cut seldom, as each cut moves all the others.
    if (this.#lines.length < 2 * this.most) return;
    const gone = this.#lines.length - this.most;
    this.#lines.splice(0, gone);
    this.#first += gone;
  }

  /** @returns undefined where the entry after `seq` is not among them */
  after(seq: number, most: number): readonly string[] | undefined {
    const from = seq + 1 - this.#first;
    return from < 0 || from >= this.#lines.length ? undefined : this.#lines.slice(from, from + most);
  }
}
