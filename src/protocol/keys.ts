// No key twice in one object, whatever its spelling. Knows nothing of values and grammar.

import { codeAt, JsonError } from './scan.ts';

/** Objects with more members than this compare keys through a Set. */
const FEW = 16;

/** What the guard keeps per open object; its owner makes it with `base` = the guard's `top`. */
export interface KeyScope {
  /** Where this object's keys begin on the guard's stack. */
  readonly base: number;
  /** Decoded keys so far: only for objects with many members or with escapes in a key. */
  names: Set<string> | undefined;
}

/** Watches the keys of all objects of one text, which open and close like brackets. */
export class KeyGuard {
  readonly #text: string;
  /** Start and end of the keys of all open objects, a stack. */
  readonly #spans: number[] = [];
  #top = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get top(): number {
    return this.#top;
  }

  leave(scope: KeyScope): void {
    this.#top = scope.base;
  }

  /**
   * Takes the key between the quotes at `open` and `close` into the innermost object. Few plain keys are
   * compared where they stand; many, or escaped ones, decoded and through a Set.
   * @throws JsonError `duplicate`
   */
  add(scope: KeyScope, open: number, close: number, escaped: boolean): void {
    const start = open + 1;
    const top = this.#top;
    if (escaped || scope.names !== undefined || top - scope.base >= 2 * FEW) {
      this.#addName(scope, open, close, escaped);
      return;
    }
    for (let i = scope.base; i < top; i += 2) {
      const other = this.#spans[i] ?? 0;
      if ((this.#spans[i + 1] ?? 0) - other === close - start && same(this.#text, other, start, close)) {
        throw duplicate(this.#text, open, close);
      }
    }
    this.#spans[top] = start;
    this.#spans[top + 1] = close;
    this.#top = top + 2;
  }

  #addName(scope: KeyScope, open: number, close: number, escaped: boolean): void {
    const names = scope.names ?? this.#spill(scope);
    const before = names.size;
    names.add(keyText(this.#text, open, close, escaped));
    if (names.size === before) throw duplicate(this.#text, open, close);
  }

  #spill(scope: KeyScope): Set<string> {
    const names = new Set<string>();
    for (let i = scope.base; i < this.#top; i += 2) {
      names.add(this.#text.slice(this.#spans[i], this.#spans[i + 1]));
    }
    scope.names = names;
    return names;
  }
}

/** The key between two quotes, decoded. */
export function keyText(text: string, open: number, close: number, escaped: boolean): string {
  return escaped ? JSON.parse(text.slice(open, close + 1)) : text.slice(open + 1, close);
}

function same(text: string, other: number, start: number, end: number): boolean {
  for (let i = start, j = other; i < end; i++, j++) {
    if (codeAt(text, i) !== codeAt(text, j)) return false;
  }
  return true;
}

function duplicate(text: string, open: number, close: number): JsonError {
  const key = text.slice(open, Math.min(close + 1, open + 80));
  return new JsonError('duplicate', open, `duplicate key ${key}`);
}
