// Takes known values out of free text, in the forms in which programs write them.

export const MASK = '••••';
/** Shorter ones are words and numbers that stand everywhere. */
const SHORTEST = 4;
/** Around a key; it stands around everybody's. */
const ARMOUR = /^-----(?:BEGIN|END) /;

export interface Mask {
  /** The text without the values. */
  (text: string): string;
  /** Characters of the longest form of a value: so much of a text that goes on may be the beginning of one. */
  readonly longest: number;
}

/**
 * @param values never shown: as they are, a line of several, in JSON, in a URL, in Base64, alone or within more
 * @param shortest characters of a form that is looked for
 */
export function createMask(values: readonly string[], shortest = SHORTEST): Mask {
  const forms = new Set(values.flatMap(formsOf).filter((form) => form.length >= shortest));
  // The longest first: a value may be the beginning of another.
  const sorted = [...forms].sort((a, b) => b.length - a.length);
  const longest = sorted[0]?.length ?? 0;
  if (longest === 0) return Object.assign((text: string): string => text, { longest });
  const passes = passesOf(sorted);
  const mask = (text: string): string =>
    passes.reduce<string>((rest, pass) => rest.replaceAll(pass, MASK), text);
  return Object.assign(mask, { longest });
}

/** What one expression may have, characters: the runtime refuses those that are much larger. */
const LARGEST = 100_000;

/** One pass for as many forms as go into an expression: a text is looked at for each of them otherwise. */
function passesOf(forms: readonly string[]): (string | RegExp)[] {
  const long = forms.filter((form) => form.length > LARGEST);
  const groups: string[][] = [];
  let size = LARGEST;
  for (const form of forms.slice(long.length).map(escaped)) {
    size += form.length + 1;
    if (size > LARGEST) {
      groups.push([]);
      size = form.length;
    }
    groups.at(-1)?.push(form);
  }
  return [...long, ...groups.map((group) => new RegExp(group.join('|'), 'g'))];
}

/** How programs write a value. */
export function formsOf(value: string): string[] {
  const lines = value.split(/\r?\n/).filter((line) => !ARMOUR.test(line));
  return [
    value,
    ...lines,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value.toWellFormed()),
    formEncoded(value),
    ...base64Of(value),
    // As OAuth has it for the secret of a client (RFC 6749 §2.3.1).
    ...base64Of(formEncoded(value)),
  ];
}

function formEncoded(value: string): string {
  return encodeURIComponent(value.toWellFormed())
    .replace(/[-_.!~*'()]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

/** Alone, and what a value is within a longer one, such as a name and a password: where it begins there is unknown. */
function base64Of(value: string): string[] {
  const bytes = Buffer.from(value);
  const within = [0, 1, 2].map((before) => {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
    const text = shifted.toString('base64').replace(/=+$/, '');
    // What these characters are depends on the neighbours.
    const [first, last] = [Math.ceil((before * 4) / 3), shifted.length % 3 === 0 ? 0 : 1];
    return text.slice(first, text.length - last);
  });
  const forms = [bytes.toString('base64'), ...within];
  return [...forms, ...forms.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))];
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
