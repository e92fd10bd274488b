// The one text of a record (RFC 8785). Records hold texts, whole numbers and booleans only, for which the rules are
// few: members sorted by name, no white space, texts as JSON.stringify writes them.

export type Value = string | number | boolean;
export type Flat = Readonly<Record<string, Value | undefined>>;

/** A member as it stands in the text. */
export interface Member {
  readonly name: string;
  readonly text: string;
}

/**
 * The members in their order. Those that are undefined are left out.
 * @throws TypeError of a number that is not whole or beyond 2^53
 */
export function membersOf(record: Flat): Member[] {
  const members: Member[] = [];
  // By code units, as RFC 8785 has it.
  for (const name of Object.keys(record).sort()) {
    const value = record[name];
    if (value !== undefined) members.push({ name, text: `${quoted(name)}:${textOf(value, name)}` });
  }
  return members;
}

/** Names as JSON has them: there are few, those of the format and those of the configuration. */
const names = new Map<string, string>();

function quoted(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const text = JSON.stringify(name);
  names.set(name, text);
  return text;
}

/** @throws TypeError of what has no canonical text */
export function checkFlat(record: Flat): void {
  for (const name in record) {
    const value = record[name];
    if (typeof value === 'number' && !Number.isSafeInteger(value))
      throw new TypeError(`${name} is not a whole number`);
  }
}

export function canonical(record: Flat): string {
  return objectOf(membersOf(record));
}

export function objectOf(members: readonly Member[]): string {
  let text = '';
  for (const member of members) text += text === '' ? member.text : `,${member.text}`;
  return `{${text}}`;
}

function textOf(value: Value, name: string): string {
  if (typeof value === 'string') return JSON.stringify(value.isWellFormed() ? value : value.toWellFormed());
  if (typeof value === 'boolean') return String(value);
  if (!Number.isSafeInteger(value)) throw new TypeError(`${name} is not a whole number`);
  // A negative zero is written 0.
  return String(value === 0 ? 0 : value);
}
