// Takes values out of free text that are secret for a while, such as tokens that were fetched. They come and go while
// texts are written, and there may be many: so neither costs more than looking at each of them once.

import { formsOf, MASK } from './mask.ts';

/** Characters at the end of a form by which it is found. */
const TAIL = 4;
/** Values held; the one known longest goes first. Fixed: more tokens than that are not alive at once. */
const MOST = 5_000;
/** A shorter form is a word that stands everywhere. */
const SHORTEST = 12;

interface Held {
  readonly until: number;
  readonly forms: readonly string[];
}

export class PassingMask {
  readonly #held = new Map<string, Held>();
  /** Forms by their last characters. */
  readonly #byTail = new Map<number, Set<string>>();

  get size(): number {
    return this.#held.size;
  }

  /** @param until milliseconds since the epoch, as `now` */
  hide(value: string, until: number, now: number): void {
    for (const [known, held] of this.#held) if (held.until <= now) this.#forget(known, held);
    const before = this.#held.get(value);
    if (before) this.#forget(value, before);
    const forms = [...new Set(formsOf(value))].filter((form) => form.length >= SHORTEST);
    if (forms.length === 0) return;
    this.#held.set(value, { until: Math.max(until, before?.until ?? 0), forms });
    for (const form of forms) {
      const tail = tailOf(form);
      const others = this.#byTail.get(tail);
      if (others) others.add(form);
      else this.#byTail.set(tail, new Set([form]));
    }
    for (const [oldest, held] of this.#held) {
      if (this.#held.size <= MOST) break;
      this.#forget(oldest, held);
    }
  }

  /** The text without the values that are held. */
  mask(text: string): string {
    if (this.#held.size === 0) return text;
    let masked = '';
    let from = 0;
    let tail = 0;
    for (let at = 0; at < text.length; at++) {
      tail = (tail << 8) | (text.charCodeAt(at) & 0xff);
      const form = this.#endingAt(text, at + 1, from, this.#byTail.get(tail));
      if (form === undefined) continue;
      masked += text.slice(from, at + 1 - form.length) + MASK;
      from = at + 1;
    }
    return from === 0 ? text : masked + text.slice(from);
  }

  /** The longest of the forms that ends there: one may be the end of another. */
  #endingAt(text: string, end: number, from: number, forms: Iterable<string> = []): string | undefined {
    let longest: string | undefined;
    for (const form of forms)
      if (form.length > (longest?.length ?? 0) && end - form.length >= from && text.endsWith(form, end))
        longest = form;
    return longest;
  }

  #forget(value: string, { forms }: Held): void {
    this.#held.delete(value);
    for (const form of forms) {
      const tail = tailOf(form);
      const all = this.#byTail.get(tail);
      all?.delete(form);
      if (all?.size === 0) this.#byTail.delete(tail);
    }
  }
}

function tailOf(form: string): number {
  let tail = 0;
  for (const at of Array.from({ length: TAIL }, (_, index) => form.length - TAIL + index))
    tail = (tail << 8) | (form.charCodeAt(at) & 0xff);
  return tail;
}
