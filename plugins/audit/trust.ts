// Which keys a log's checkpoints may be signed with. One is given, or is the log's own word; a later one is trusted once
// a trusted key has signed a checkpoint that ends with the entry that names it. Not any later one: whoever can write the
// files, but not sign, puts a key of his own behind the last entry, and the next checkpoint covers that, too.

import { isSignedBy, type Note, type Verifier, verifierOf } from './note.ts';

/**
 * `signed`: by a key that is trusted. `known`: by one the log names, before the first that is trusted, which tells
 * nothing for or against it. `foreign`: by nobody.
 */
export type Judgement = 'signed' | 'known' | 'foreign';

export class Keys {
  readonly #trusted: Verifier[] = [];
  readonly #named: { readonly key: Verifier; readonly text: string; readonly seq: number }[] = [];
  /** Whether the first key is the log's own word. */
  readonly isOwn: boolean;
  /** Whether a key that is trusted has signed anything. */
  hasSigned = false;

  constructor(given: Verifier | undefined) {
    this.isOwn = given === undefined;
    if (given) this.#trusted.push(given);
  }

  /** The name and id of the key that signed last, or of the first. */
  get name(): string | undefined {
    const key = this.#trusted.at(-1);
    return key && `${key.name}+${key.id.toString(16).padStart(8, '0')}`;
  }

  /** Whether there is any key: a log without one has no signatures. */
  get isEmpty(): boolean {
    return this.#trusted.length === 0 && this.#named.length === 0;
  }

  /** An entry names a key. @returns false where it is none */
  names(text: string, seq: number): boolean {
    if (this.#named.at(-1)?.text === text) return true;
    try {
      const key = verifierOf(text);
      if (this.isOwn && this.#trusted.length === 0) this.#trusted.push(key);
      else this.#named.push({ key, text, seq });
      return true;
    } catch {
      return false;
    }
  }

  judge(note: Note): Judgement {
    if (this.#trusted.some((key) => isSignedBy(note, key))) return 'signed';
    const isKnown = !this.hasSigned && this.#named.some(({ key }) => isSignedBy(note, key));
    return isKnown ? 'known' : 'foreign';
  }

  /** A checkpoint that a trusted key signed ends here. */
  signedAt(seq: number): void {
    this.hasSigned = true;
    for (const { key, seq: named } of this.#named) {
      if (named !== seq || this.#trusted.some(({ id, name }) => id === key.id && name === key.name)) continue;
      this.#trusted.push(key);
    }
  }
}
