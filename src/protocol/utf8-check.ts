// Whether bytes beyond ASCII are UTF-8 (Unicode 15 table 3-7), one at a time. Knows nothing of what they say.

export class Utf8Check {
  /** Bytes of the character that are still to come, and what the next of them may be. */
  #missing = 0;
  #least = 0x80;
  #most = 0xbf;

  get isInside(): boolean {
    return this.#missing > 0;
  }

  /** The first byte of a character. @returns whether there is such a one */
  begins(c: number): boolean {
    if (c < 0xc2 || c > 0xf4) return false;
    this.#missing = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    // No longer form than needed, no surrogates, nothing beyond U+10FFFF.
    this.#least = c === 0xe0 ? 0xa0 : c === 0xf0 ? 0x90 : 0x80;
    this.#most = c === 0xed ? 0x9f : c === 0xf4 ? 0x8f : 0xbf;
    return true;
  }

  /** A byte behind it. @returns whether it may stand there */
  goesOn(c: number): boolean {
    if (c < this.#least || c > this.#most) return false;
    this.#missing--;
    this.#least = 0x80;
    this.#most = 0xbf;
    return true;
  }
}
