// Whether a line is written as the format has it: one flat object, members by name and each once, nothing between them.
// Two readers of the same bytes could else see two records.

import { canonical, type Flat } from './canonical.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;

/** Without the line break. */
export function isCanonical(line: Buffer): boolean {
  const walk = new Walk(line);
  if (!walk.members()) return false;
  // Escapes and letters beyond ASCII are rare, and have rules of their own.
  return walk.isPlain || isWrittenSo(line);
}

class Walk {
  isPlain = true;
  #at = 1;
  #nameFrom = 0;
  #nameTo = 0;

  constructor(readonly line: Buffer) {}

  members(): boolean {
    const { line } = this;
    const last = line.length - 1;
    if (line[0] !== 0x7b || line[last] !== 0x7d) return false;
    while (this.#at < last) {
      if (!this.#name() || !this.#value(last)) return false;
      if (this.#at === last) return true;
      if (line[this.#at++] !== COMMA) return false;
    }
    return false;
  }

  #name(): boolean {
    const from = this.#at + 1;
    const end = this.#text();
    if (end < 0 || this.line[end + 1] !== COLON) return false;
    if (this.#nameTo > 0 && !this.#follows(from, end)) return false;
    this.#nameFrom = from;
    this.#nameTo = end;
    this.#at = end + 2;
    return true;
  }

  /** Whether the name is behind the one before it. */
  #follows(from: number, to: number): boolean {
    const { line } = this;
    for (let a = this.#nameFrom, b = from; ; a++, b++) {
      if (b === to) return false;
      if (a === this.#nameTo) return true;
      const left = line[a] as number;
      const right = line[b] as number;
      if (left !== right) return left < right;
    }
  }

  #value(last: number): boolean {
    const { line } = this;
    if (line[this.#at] === QUOTE) {
      const end = this.#text();
      this.#at = end + 1;
      return end >= 0;
    }
    const from = this.#at;
    while (this.#at < last && line[this.#at] !== COMMA) this.#at++;
    return isScalar(line, from, this.#at);
  }

  /** From the quotation mark it stands on. @returns where the one that ends it is, negative where there is none */
  #text(): number {
    const { line } = this;
    if (line[this.#at] !== QUOTE) return -1;
    for (let at = this.#at + 1; at < line.length; at++) {
      const byte = line[at] as number;
      if (byte === QUOTE) return at;
      if (byte === BACKSLASH) {
        this.isPlain = false;
        at++;
      } else if (byte < 0x20) return -1;
      else if (byte >= 0x7f) this.isPlain = false;
    }
    return -1;
  }
}

/** A whole number without superfluous digits, true or false. */
function isScalar(line: Buffer, from: number, to: number): boolean {
  const first = line[from] ?? 0;
  if (first === 0x74 || first === 0x66) return /^(?:true|false)$/.test(line.toString('latin1', from, to));
  const digits = first === MINUS ? from + 1 : from;
  if (digits >= to || (line[digits] === 0x30 && (to - digits > 1 || first === MINUS))) return false;
  for (let at = digits; at < to; at++) if ((line[at] ?? 0) < 0x30 || (line[at] ?? 0) > 0x39) return false;
  // Beyond 2^53 numbers are not the same everywhere.
  return to - digits < 16 || Number.isSafeInteger(Number(line.toString('latin1', from, to)));
}

function isWrittenSo(line: Buffer): boolean {
  try {
    return Buffer.from(canonical(JSON.parse(line.toString('utf8')) as Flat)).equals(line);
  } catch {
    return false;
  }
}
