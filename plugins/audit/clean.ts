// Texts that a client or a server chose, before they are written: on one line, without what steers a terminal or turns
// the direction of a text, without what looks like a credential, and cut.

/** What stands in the place of a credential. */
export const HIDDEN = '••••';

/** Longest text of a field, UTF-16 units. */
const LONGEST = 256;
/** What is looked at of one: more than is written, so that no half of a credential is left at the end. */
const LOOKED_AT = 2_048;

/** Controls, line separators, marks of direction, tags and other characters that nobody sees. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\u{e0000}-\u{e0fff}]/gu;

/** By what credentials look like, wherever they stand. None of them takes long over any text. */
const LOOKS: readonly RegExp[] = [
  // Schemes of Authorization, and what follows.
  /\b(?:bearer|basic|dpop|digest|negotiate|token)[\s:=]+[\w.~+/=-]{6,}/gi,
  // Tokens of JSON (JWT, DPoP proofs), whole or cut off.
  /\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g,
  // A name that says so, and its value; within JSON, with as many backslashes as there may be.
  /(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|authorization|cookie|session|signature|credential|requeststate)[\w.-]{0,32}[\\"']{0,8}\s{0,4}[:=]\s{0,4}[\\"']{0,8}[^\s\\"'&;,]+/gi,
  // Keys that bear the mark of who gave them.
  /\b(?:sk|pk|rk|ghp|gho|ghu|ghs|ghr|glpat|xox[abeoprs]|npm|whsec|sluice|hf|dop_v1|shpat|ya29|AIza|AKIA|ASIA)[-_.]?[\w-]{12,}/g,
  /\bgithub_pat_\w{12,}/g,
  /-----BEGIN [^-]*-----[^-]*/g,
  // User and password in an address.
  /(?<=\/\/)[^\s/@:]{1,256}:[^\s/@]{0,256}(?=@)/g,
  // As random as only a key is: long, of letters of both cases and digits, or of hexadecimal digits.
  /(?<![\w+/=-])(?=[\w+/-]*\d)(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])[\w+/-]{32,}={0,2}/g,
  /\b[0-9a-f]{40,}\b/gi,
];

/** @returns undefined of nothing */
export type Cleaner = (text: string | undefined) => string | undefined;

/** How many texts are remembered: most are names that come again and again. */
const REMEMBERED = 2_000;

/** @param own what else has to be hidden: patterns of the operator */
export function cleaner(own: readonly string[] = []): Cleaner {
  const looks = [...own.map((each) => new RegExp(each, 'gu')), ...LOOKS];
  const known = new Map<string, string>();
  return (text) => {
    if (text === undefined || text === '') return undefined;
    const before = known.get(text);
    if (before !== undefined) return before;
    const clean = cleaned(text, looks);
    if (known.size >= REMEMBERED) known.clear();
    if (text.length <= LOOKED_AT) known.set(text, clean);
    return clean;
  };
}

function cleaned(text: string, looks: readonly RegExp[]): string {
  const seen = text.slice(0, LOOKED_AT).toWellFormed().replace(UNSEEN, '\ufffd');
  const hidden = looks.reduce((rest, look) => rest.replace(look, HIDDEN), seen);
  return hidden.length <= LONGEST && text.length <= LOOKED_AT ? hidden : `${hidden.slice(0, LONGEST - 1)}…`;
}
