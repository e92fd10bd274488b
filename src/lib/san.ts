// The alternative names of a certificate's subject, read from its DER (RFC 5280 §4.2.1.6). The text the runtime makes
// of them cannot be taken apart safely: a name may hold what separates it from the next. Verifies nothing.

/** By kind: `dns`, `uri`, `email`, `ip`. Names of other kinds are left out. */
export type AlternativeNames = Readonly<Record<string, readonly string[]>>;

const SUBJECT_ALT_NAME = '551d11';
const EXTENSIONS = 0xa3;
const OCTETS = 0x04;
const KINDS: Readonly<Record<number, string>> = { 129: 'email', 130: 'dns', 134: 'uri', 135: 'ip' };

/** @returns nothing for what is no certificate, or has no such names */
export function alternativeNames(certificate: Uint8Array): AlternativeNames {
  const names: Record<string, string[]> = {};
  for (const { tag, value } of subjectAltName(Buffer.from(certificate))) {
    const kind = KINDS[tag];
    const name = kind === 'ip' ? address(value) : value.toString('latin1');
    if (kind !== undefined && name !== undefined) names[kind] = [...(names[kind] ?? []), name];
  }
  return names;
}

interface Item {
  readonly tag: number;
  readonly value: Buffer;
}

function subjectAltName(certificate: Buffer): Item[] {
  const [outer] = items(certificate);
  const [toBeSigned] = outer ? items(outer.value) : [];
  const wrapped = toBeSigned && items(toBeSigned.value).find(({ tag }) => tag === EXTENSIONS);
  const [list] = wrapped ? items(wrapped.value) : [];
  for (const extension of list ? items(list.value) : []) {
    const parts = items(extension.value);
    if (parts[0]?.value.toString('hex') !== SUBJECT_ALT_NAME) continue;
    const held = parts.find(({ tag }) => tag === OCTETS);
    const [names] = held ? items(held.value) : [];
    return names ? items(names.value) : [];
  }
  return [];
}

/** What stands one after the other in DER; up to the first that is cut short. */
function items(der: Buffer): Item[] {
  const found: Item[] = [];
  for (let at = 0; at + 2 <= der.length; ) {
    const tag = der[at] as number;
    const first = der[at + 1] as number;
    const more = first < 0x80 ? 0 : first & 0x7f;
    if (more > 4 || at + 2 + more > der.length) break;
    const length = more === 0 ? first & 0x7f : der.readUIntBE(at + 2, more);
    const from = at + 2 + more;
    if (from + length > der.length) break;
    found.push({ tag, value: der.subarray(from, from + length) });
    at = from + length;
  }
  return found;
}

function address(bytes: Buffer): string | undefined {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return undefined;
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}
