// What a line says, to a verifier: of most, nothing but that it is there.

/** The hash that an entry has for itself, unchecked. */
export function hashIn(line: Buffer): string {
  const at = line.indexOf('"entry_hash":"') + 14;
  return line.toString('latin1', at, at + 64);
}

const KNOWN: ReadonlySet<string> = new Set(['checkpoint', 'repair', 'key', 'gap', 'incident']);
const TYPE = Buffer.from('"type":"');

/** Of those that mean something to a verifier; undefined of all others. */
export function typeOf(line: Buffer): string | undefined {
  const at = line.indexOf(TYPE) + TYPE.length;
  const end = line.indexOf(0x22, at);
  const type = end - at > 10 ? '' : line.toString('latin1', at, end);
  return KNOWN.has(type) ? type : undefined;
}

/** @throws SyntaxError of what is no JSON */
export function membersOf(line: Buffer): Record<string, unknown> {
  return JSON.parse(line.toString('utf8')) as Record<string, unknown>;
}
